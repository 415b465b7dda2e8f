"""Who is sent and where the idle wait: rules that the simulator and the desk both call."""
