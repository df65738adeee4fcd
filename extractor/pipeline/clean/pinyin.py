"""Finds pinyin in brackets after its character: 核(hé)心."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache

from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.fold import simplify
from extractor.pipeline.clean.omissions import Cut

# The syllables in alphabetical order, each with its first character in level 1 of GB 2312, which is sorted
# by reading. The table lists the syllables that exist and, by bisection, gives one reading of each of 3,755
# characters.
_SYLLABLES = re.findall(
    "([a-z]+)(.)",
    "a啊ai埃an鞍ang肮ao凹ba芭bai白ban斑bang邦bao苞bei杯ben奔beng崩bi逼bian鞭biao标bie鳖bin彬bing兵bo玻bu捕ca擦cai猜"
    "can餐cang苍cao操ce厕ceng层cha插chai拆chan搀chang昌chao超che车chen郴cheng撑chi吃chong充chou抽chu初chuai揣chuan川"
    "chuang疮chui吹chun春chuo戳ci疵cong聪cou凑cu粗cuan蹿cui摧cun村cuo磋da搭dai呆dan耽dang当dao刀de德deng蹬di堤dian颠"
    "diao碉die跌ding丁diu丢dong东dou兜du督duan端dui堆dun墩duo掇e蛾en恩er而fa发fan藩fang坊fei菲fen芬feng丰fo佛fou否fu夫"
    "ga噶gai该gan干gang冈gao篙ge哥gei给gen根geng耕gong工gou钩gu辜gua刮guai乖guan棺guang光gui瑰gun辊guo锅ha哈hai骸"
    "han酣hang夯hao壕he呵hei嘿hen痕heng哼hong轰hou喉hu呼hua花huai槐huan欢huang荒hui灰hun荤huo豁ji击jia嘉jian歼"
    "jiang僵jiao蕉jie揭jin巾jing荆jiong炯jiu揪ju鞠juan捐jue撅jun均ka喀kai开kan刊kang康kao考ke坷ken肯keng坑kong空kou抠"
    "ku枯kua夸kuai块kuan宽kuang匡kui亏kun坤kuo括la垃lai莱lan蓝lang琅lao捞le勒lei雷leng棱li厘lia俩lian联liang粮liao撩"
    "lie列lin琳ling玲liu溜long龙lou楼lu芦luan峦lue掠lun抡luo萝ma妈mai埋man瞒mang芒mao猫me么mei玫men门meng萌mi眯mian棉"
    "miao苗mie蔑min民ming明miu谬mo摸mou谋mu拇na拿nai氖nan南nang囊nao挠ne呢nei馁nen嫩neng能ni妮nian蔫niang娘niao鸟nie捏"
    "nin您ning柠niu牛nong脓nu奴nuan暖nue虐nuo挪o哦ou欧pa啪pai拍pan攀pang乓pao抛pei呸pen喷peng砰pi坯pian篇piao飘pie撇"
    "pin拼ping乒po坡pou剖pu扑qi期qia掐qian牵qiang枪qiao橇qie切qin钦qing青qiong琼qiu秋qu趋quan圈que缺qun裙ran然rang瓤"
    "rao饶re惹ren壬reng扔ri日rong戎rou揉ru茹ruan软rui蕊run闰ruo若sa撒sai腮san三sang桑sao搔se瑟sen森seng僧sha莎shai筛"
    "shan珊shang墒shao梢she奢shen砷sheng声shi师shou收shu蔬shua刷shuai摔shuan栓shuang霜shui谁shun吮shuo说si斯song松sou搜"
    "su苏suan酸sui虽sun孙suo蓑ta塌tai胎tan坍tang汤tao掏te特teng藤ti梯tian天tiao挑tie贴ting厅tong通tou偷tu凸tuan湍tui推"
    "tun吞tuo拖wa挖wai歪wan豌wang汪wei威wen瘟weng嗡wo挝wu巫xi昔xia瞎xian掀xiang相xiao萧xie楔xin薪xing星xiong兄xiu休xu墟"
    "xuan轩xue靴xun勋ya压yan焉yang殃yao邀ye椰yi一yin茵ying英yo哟yong拥you幽yu迂yuan鸳yue曰yun耘za匝zai栽zan咱zang赃"
    "zao遭ze责zei贼zen怎zeng增zha扎zhai摘zhan瞻zhang樟zhao招zhe遮zhen珍zheng蒸zhi芝zhong中zhou舟zhu珠zhua抓zhuai拽"
    "zhuan专zhuang桩zhui椎zhun谆zhuo捉zi兹zong鬃zou邹zu租zuan钻zui嘴zun尊zuo昨",
)
_FIRST_CODES = [character.encode("gb2312") for _, character in _SYLLABLES]
_KNOWN_SYLLABLES = {*(syllable for syllable, _ in _SYLLABLES), "cen", "dei", "dia", "ei", "eng", "nia", "nou", "shei"}
# A bracket with one word in lower case, with tone marks (precomposed or combining) or a tone number.
_READING = re.compile(r" ?[(（] ?([a-zɑɡü\u00e0-\u00fc\u0101-\u01dc\u01f9\u0300-\u030c]{1,12})([0-5]?) ?[)）]")
_DIGITS = dict(zip("0123456789", ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"], strict=True))
_TONES = {"\u0300", "\u0301", "\u0304", "\u030c"}


def find_readings(text: str) -> Iterator[Cut]:
    """Pinyin in brackets after its character: 核(hé), or after a digit: 3(sān)万元.

    Without a tone, as in 单(dan), it must be the usual reading of the character, or the text must have at
    least three readings with tones.
    """
    found = [(m, *_syllable(m)) for m in _READING.finditer(text)]
    annotated = sum(toned for _, syllable, toned in found if syllable) >= 3
    last, host = -1, ""
    for m, syllable, toned in found:
        if m.start() != last:
            host = text[m.start() - 1 : m.start()]
        if not syllable or not (HAN_CHARACTER.match(host) or (toned and _DIGITS.get(host) == syllable)):
            continue
        if toned or (annotated and len(syllable) > 1) or syllable == _usual_reading(host):
            last = m.end()
            yield Cut(*m.span(), "pinyin")


def _syllable(m: re.Match[str]) -> tuple[str, bool]:
    """The syllable without its tone ("" if there is no such syllable), and whether it had one."""
    marks = unicodedata.normalize("NFD", m[1].replace("ɡ", "g").replace("ɑ", "a"))
    plain = re.sub("^([nl])v", r"\1u", "".join(c for c in marks if not unicodedata.combining(c)))
    toned = any(c in _TONES for c in marks) or (m[2] != "" and len(plain) > 1)
    return (plain if plain in _KNOWN_SYLLABLES else ""), toned


@cache
def _usual_reading(character: str) -> str:
    try:
        code = simplify(character).encode("gb2312")
    except UnicodeEncodeError:
        return ""
    return _SYLLABLES[bisect_right(_FIRST_CODES, code) - 1][0] if b"\xb0\xa1" <= code <= b"\xd7\xf9" else ""
