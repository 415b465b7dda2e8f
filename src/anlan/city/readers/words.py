"""The words of call tables, in Chinese and English: what columns are called and what their values mean.

Names are compared without case, spaces, punctuation and units in brackets; within a meaning, earlier names
win over later ones.
"""

from __future__ import annotations

import re
import unicodedata

COLUMNS: dict[str, str] = {
    "id": """警情编号 警情号 接警单编号 接警单号 接警编号 警单编号 警单号 报警编号 报警单号 案件编号
        案号 事件编号 事件单号 工单编号 工单号 单据编号 流水号 编号 callid incidentid incidentnumber
        incidentno incidentnum callnumber callno cfsid cfsnumber casenumber caseno caseid eventid
        eventnumber eventno cadnumber cadid cadeventnumber reportnumber reportno runnumber recordid
        uniquekey complaintnumber id incident""",
    "received": """接警时间 接报时间 报警时间 受理时间 来电时间 呼入时间 报案时间 接案时间 接警日期时间
        报警日期时间 警情时间 发案时间 案发时间 发生时间 接报警时间 创建时间 登记时间 上报时间 日期时间
        received receivedat receiveddttm receivedtime receiveddate timereceived datereceived
        callreceived callreceivedtime calltime calldatetime calldttm alarmdttm alarmtime alarmdatetime
        alarmdate alarm reportedat reportedtime reporttime reportdatetime datetimereported reported
        reporteddate datereported dispatchcreated createdat createtime createddate created
        createdatetime incidentdatetime incidentdttm incidenttime eventtime eventdatetime datetime
        timestamp occurredat occurred occurreddatetime occurreddate dateoccurred occurdate occurtime
        datetimeofcall""",
    "date": """接警日期 报警日期 接报日期 案发日期 发生日期 受理日期 日期 date dateofcall calldate
        incidentdate eventdate occurrencedate day""",
    "time": """接警时刻 报警时刻 时刻 时间 timeofcall timeofday clocktime clock time""",
    "dispatched": """派警时间 派单时间 调度时间 下派时间 指派时间 派遣时间 指令下达时间 处警派出时间
        派出时间 dispatched dispatchedat dispatchtime dispatchdttm dispatchdatetime timedispatched
        dispatchdate assigned assignedat mobilised mobilisedat datetimemobilised""",
    "en_route": """出警时间 出动时间 出发时间 enroute enroutetime enrouteat enroutedttm responsedttm
        timeenroute responding turnout""",
    "arrived": """到达时间 到场时间 到达现场时间 到现场时间 抵达时间 抵达现场时间 到警时间 民警到场时间
        arrived arrivedat arrival arrivaltime arrivaldttm arrivaldatetime arrivaldate onscene
        onscenedttm onscenetime onsceneat timeonscene timearrived firstarrival firstonscene
        firstarrivaltime firstunitarrival datetimearrived""",
    "cleared": """结警时间 处置完毕时间 处警结束时间 处置结束时间 办结时间 完结时间 反馈时间 结束时间
        cleared clearedat cleartime cleareddttm timecleared closed closedat closedttm closetime
        closedate closeddate available availabledttm datetimeclosed""",
    "start": """发案时间起 案发时间起 案发开始时间 发案开始时间 发案时间上限 案发时间上限 occurredfrom
        occurrencefrom occurfrom fromdatetime datefrom fromdate starttime startdate start earliest
        earliesttime""",
    "end": """发案时间止 案发时间止 案发结束时间 发案结束时间 发案时间下限 案发时间下限 occurredto
        occurrenceto occurto todatetime dateto todate endtime enddate end latest latesttime""",
    "category": """案由 警情类别 警情类型 警情性质 报警类别 报警类型 报警类别名称 案件类别 案件类型
        案件性质 事件类别 事件类型 警情小类 警情大类 警情种类 案类 类别 类型 category incidentcategory
        callcategory calltype calltypedesc incidenttype incidenttypedesc incidenttypedescription
        eventtype eventtypedesc nature natureofcall callnature incidentnature primarysituation
        primarytype offense offence offensetype offencetype offensedescription crimetype crime type
        incidentgroup problem finalcalltype initialtype typename""",
    "priority": """优先级 警情级别 警情等级 报警级别 紧急程度 缓急程度 级别 等级 priority callpriority
        finalpriority originalpriority initialpriority prioritycode prioritylevel urgency""",
    "source": """来源 报警来源 警情来源 信息来源 线索来源 来源方式 报警方式 接警方式 发现方式 上报方式
        source callsource incidentsource origin callorigin callorigintype howreceived receivedby
        initiatedby initiation reportedby""",
    "lon": """经度 东经 经度坐标 百度经度 高德经度 腾讯经度 wgs84经度 gcj02经度 bd09经度 事发经度
        案发经度 报警经度 lon lng long longitude longitudex xlongitude intersectionlongitude""",
    "lat": """纬度 北纬 纬度坐标 百度纬度 高德纬度 腾讯纬度 wgs84纬度 gcj02纬度 bd09纬度 事发纬度
        案发纬度 报警纬度 lat latitude latitudey ylatitude intersectionlatitude""",
    "x": """easting eastings eastingm eastingrounded xcoord xcoordinate xcoordcd pointx geox coordx
        x坐标 坐标x 横坐标 东坐标 x""",
    "y": """northing northings northingm northingrounded ycoord ycoordinate ycoordcd pointy geoy coordy
        y坐标 坐标y 纵坐标 北坐标 y""",
    "point": """坐标 经纬度 纬经度 经纬度坐标 位置坐标 地理坐标 空间坐标 定位 geometry geom thegeom wkt
        point coordinates coordinate coords lonlat lnglat latlon latlng latlong location caselocation
        incidentlocation georeference geolocation shape""",
    "area": """辖区代码 辖区编码 所属辖区 辖区 辖区名称 辖区派出所 管辖派出所 管辖单位 管辖单位代码
        派出所 所属派出所 责任区 警务区 社区 area areacode precinct precinctcode beat policedistrict
        district division stationarea""",
    "disposition": """处理结果 处警结果 处置结果 办理结果 警情结果 结果 disposition calldisposition
        dispositioncode finaldisposition outcome result resolution""",
}  # fmt: skip
"""Meaning → what such a column is called."""

_PERSONAL_ZH = re.compile(
    "姓名|报警人|当事人|联系人|联系方式|电话|手机|身份证|证件号|户籍|住址|性别|民族|出生|年龄|嫌疑人|受害人|号码$"
)
_PERSONAL_EN = frozenset(
    {
        "caller",
        "phone",
        "telephone",
        "mobile",
        "person",
        "persons",
        "victim",
        "victims",
        "suspect",
        "suspects",
        "gender",
        "sex",
        "race",
        "ethnicity",
        "birth",
        "birthday",
        "dob",
        "age",
        "passport",
        "ssn",
        "surname",
        "firstname",
        "lastname",
        "fullname",
        "forename",
        "complainant",
    }
)

SOURCES: dict[str, str] = {
    "reported": """reported report public citizen caller call phone telephone phonecall 911 110 112 999
        e911 cell landline walkin online email sms text app complaint civilian 群众 群众报警 群众举报
        群众求助 电话报警 报警 电话 来电 110报警 110接警 110指令 短信报警 微信报警 网络报警 上门报警
        来人报警 口头报警 公众 市民 12345 举报 求助 其他单位移送""",
    "discovered": """discovered discovery officer officerinitiated selfinitiated selfinit onview
        onviewed fieldinitiated patrol proactive unitinitiated trafficstop ov 巡逻 巡逻发现 巡查
        巡查发现 工作中发现 民警发现 主动发现 自行发现 现场发现 日常检查 检查发现 盘查 盘查发现
        路面盘查 巡防 巡防发现 网格巡查""",
    "device": """device sensor alarm panel alarmpanel intrusionalarm burglaralarm firealarm
        automaticalarm detector iot camera elevator ecall 设备 技防 技防报警 报警器 一键报警 一键求助
        联网报警 自动报警 传感器 感知设备 物联网 智能感知 烟感 视频报警""",
}
"""Who noticed it → what tables say. See `anlan.model.SOURCES`."""

PRIORITIES: dict[int, str] = {
    1: "特急 紧急 加急 特大 高 一 high urgent emergency critical immediate hot",
    2: "急 较急 普通 一般 中 二 medium normal routine prompt standard",
    3: "低 不急 非紧急 三 low nonurgent nonemergency",
    4: "四 ",
    5: "五",
}

_BRACKETS = re.compile(r"[(\[{（【].*?[)\]}）】]")
_JUNK = re.compile(r"[^0-9a-z\u3400-\u9fff]")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_PRIORITY = re.compile(r"(?:p|priority|prio|code|level|优先级|第)?(\d{1,4})(?:级|级别|类|级警情)?")
_ORDINAL = re.compile(r"([一二三四五六七八九])级?(?:警情)?")


def plain(name: str) -> str:
    """A name as it is compared: ``Received_DtTm (UTC)`` is ``receiveddttm``."""
    text = unicodedata.normalize("NFKC", name).lower()
    without = _JUNK.sub("", _BRACKETS.sub("", text))
    return without or _JUNK.sub("", text)


MEANING: dict[str, tuple[str, int]] = {
    word: (meaning, rank)
    for meaning, words in reversed(COLUMNS.items())
    for rank, word in reversed(list(enumerate(words.split())))
}
"""Plain name → its meaning and its rank within it."""

_SOURCE_OF = {word: source for source, words in SOURCES.items() for word in words.split()}
_PRIORITY_OF = {word: level for level, words in PRIORITIES.items() for word in words.split()}


def meaning_of(name: str) -> str | None:
    """What a column of this name holds: a key of `COLUMNS`, or None."""
    found = MEANING.get(plain(name))
    return None if found is None else found[0]


def is_personal(name: str) -> bool:
    """Whether a column of this name holds personal data, which is never read (charter, rule 3)."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return bool(_PERSONAL_ZH.search(name)) or any(word.lower() in _PERSONAL_EN for word in words)


def source_of(word: str) -> str:
    """Who noticed it, from a table's word: one of `anlan.model.SOURCES`."""
    return _SOURCE_OF.get(plain(word), "unknown")


def priority_of(word: str) -> int | None:
    """A priority from a table's word: ``2``, ``P1``, ``一级``, ``Ⅱ``, ``urgent``; None where it is none."""
    text = plain(word)
    match = _PRIORITY.fullmatch(text)
    if match is not None:
        return int(match[1])
    if text in _PRIORITY_OF:
        return _PRIORITY_OF[text]
    ordinal = _ORDINAL.fullmatch(text)
    if ordinal is not None:
        return "一二三四五六七八九".index(ordinal[1]) + 1
    return _ROMAN.get(text.removesuffix("级"))


def system_of(name: str) -> str | None:
    """The coordinate system that a column's name speaks of: ``百度经度`` is bd09; None where it does not."""
    text = plain(name)
    for words, system in (
        (("百度", "bd09", "baidu"), "bd09"),
        (("高德", "腾讯", "gcj", "火星", "amap"), "gcj02"),
        (("wgs",), "wgs84"),
        (("cgcs", "国家2000", "2000坐标"), "cgcs2000"),
    ):
        if any(word in text for word in words):
            return system
    return None
