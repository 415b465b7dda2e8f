"""Ask the processor for memory that will be read soon, so that it is there by then."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils as untyped
from numba.core import types
from numba.extending import intrinsic

cgutils: Any = untyped


def _prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    signature = types.void(array, index)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        data = context.make_array(kind)(context, builder, args[0])
        where = cgutils.unpack_tuple(builder, args[1], kind.ndim)
        pointer = builder.bitcast(
            cgutils.get_item_pointer(context, builder, kind, data, where), ir.IntType(8).as_pointer()
        )
        number = ir.IntType(32)
        wanted = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        instruction = cgutils.get_or_insert_function(builder.module, wanted, "llvm.prefetch.p0i8")
        builder.call(instruction, [pointer, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return signature, codegen


prefetch: Any = intrinsic(_prefetch)
"""``prefetch(array, (i, j…))``: bring the line of an element into the cache; changes and waits for nothing."""
