"""Firms, products and figures that are called like persons: a text about them says nothing of anybody."""

from __future__ import annotations

from collections.abc import Sequence

BRANDS = frozenset(
    name.strip()
    for name in """
    calvin klein, hugo boss, giorgio armani, coco chanel, jack daniels, jack wolfskin, michael kors, tommy hilfiger,
    helena rubinstein, max factor, yves rocher, yves saint laurent, johnnie walker, jim beam, ralph lauren, paul
    smith, karl lagerfeld, christian dior, marc jacobs, miles davis, levi strauss, dr oetker, dr hauschka, dr
    beckmann, dr martens, dr bronner, dr. oetker, harley davidson, aston martin, rolls royce, marks spencer, mary kay,
    victoria secret, elizabeth arden, estee lauder, estée lauder, bobbi brown, charlotte tilbury, tom ford, tom
    tailor, philipp plein, jil sander, carolina herrera, paco rabanne, jean paul gaultier, roberto cavalli, gianni
    versace, salvatore ferragamo, jimmy choo, kate spade, tory burch, donna karan, vera wang, steve madden, franklin
    templeton, morgan stanley, ben jerry, uncle ben, aunt jemima, dolce gabbana, johnson johnson, dr martens, dr.
    martens, wojas, gino rossi, bytom, vistula, jan niezbędny, pan tadeusz, ewa schmitt, święty mikołaj, jan paweł,
    mikołaj, barbie, hello kitty, harry potter, james bond, sherlock holmes, red bull, captain morgan, santa claus,
    father christmas, jesus christ, mercedes benz, mercedes, daniel wellington, eau claire, prince george, saint
    laurent, villeroy boch, peek cloppenburg, dallmayr, melitta, aldi süd, heidi klum, käthe kruse, jack jones, peter
    pan, mickey mouse, alfa romeo, skoda fabia, škoda fabia, bielenda, ziaja, wedel, blikle, grycan, sobieski, lech,
    irena eris, dr irena eris, ray ban, ray-ban,
    warka, opel, ford, bosch, siemens, dior, chanel, versace, armani, prada, gucci, boss, porsche, ferrari,
    lamborghini, maserati, bentley, philips, braun, miele, dyson, honda, toyota, renault, citroen, peugeot, kellogg,
    nestle, nestlé, danone, heinz, pringles, ferrero, lindt, milka, disney, lego, mattel, dell, samsung, lenovo, zara,
    reserved, wittchen, ochnik, deichmann, douglas, rossmann, kaufland, carrefour, lidl, edeka, rewe, obi, ikea,
    allegro, amazon, gillette, schwarzkopf, wella, garnier, loreal, dove, rexona, colgate, oral, lacoste, timberland,
    wrangler, levis, diesel, guess, fossil, casio, rolex, cartier, tiffany, swarovski, pandora, apart, kruk, yes
    """.replace("\n", " ").split(",")
)
"""Firms, products and figures that are called like persons."""

_MOST_WORDS = 3


def in_brand(words: Sequence[str], first: int, last: int) -> bool:
    """Whether a brand of at least two words, or of one that is all, covers a part of ``words[first : last + 1]``."""
    plain = [word.casefold() for word in words]
    return any(
        " ".join(plain[low : high + 1]) in BRANDS
        for low in range(max(0, first - 1), last + 1)
        for high in range(max(low, first), min(len(plain), low + _MOST_WORDS))
        if high > low or first == last
    )
