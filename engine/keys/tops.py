"""Suffixes that are no words: behind a dot they say that a name is one, whatever stands around."""

STRONG = frozenset(
    """
    com net org info biz edu gov mil int io ai app dev gg tv co mobi asia xyz top site online shop club vip icu click
    store website space tech pro buzz cyou sbs cfd bond monster quest webcam bid loan xxx porn casino bet poker chat
    link work rocks agency digital network systems solutions cloud host press rest blog wiki ink autos boats hair
    uk de fr nl br ar mx cl pe ve eu ch cz sk hu ro bg gr tr ir sa ae eg ng ke za au nz ca jp kr cn tw hk vn th ph my.id
    ru su ua kz by lv lt ee fi dk pt rs lk pk np tk ga cf gq ml cc ws pw ly gd gl vc fm example test invalid
    рф xn--p1ai 中国 中國 xn--fiqs8s xn--fiqz9s 公司 网络 한국 ไทย भारत
    """.split()  # noqa: SIM905  # one name a line would be pages
)
