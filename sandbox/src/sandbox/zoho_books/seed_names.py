"""What seeded customers are called and where they live: invented people, `.example` addresses."""

from __future__ import annotations

from typing import NamedTuple

_FIRST = (
    "Ida Emil Mara Jonas Lene Otto Nina Paul Greta Theo Alma Finn Ruth Karl Edda Hugo Vera Anton Lotte Bruno Clara "
    "Felix Judith Konrad Marlene Oskar Pia Simon Tilda Ulrich Wanda Xaver Yara Zoe Adam Beatriz Camille Dario Elif "
    "Farah Giulia Henrik Ines Jan Katarzyna Liam Maeve Niamh Orla Pedro"
)
FIRST = tuple(_FIRST.split(" "))
_LAST = (
    "Alder Brandt Castell Dahl Ebner Falk Gruber Hagen Iversen Jansen Keller Lorenz Moser Nowak Orban Pohl Quandt "
    "Richter Sauer Thiel Ullmann Vogt Weber Yilmaz Ziegler Arnaud Bianchi Conti Duarte Esteves Ferrari Garcia Horvat "
    "Ito Jovanovic Kovacs Lindqvist Murphy Nielsen O'Brien Petrov Rossi Silva Tanaka Ueda Varga Wilson Young Zhang Ahmed"
)
LAST = tuple(_LAST.split(" "))
_WORDS = (
    "Amber Birch Cobalt Delta Ember Flint Granite Harbour Indigo Juniper Kestrel Linden Maple North Orchard Pine "
    "Quarry River Saffron Timber Umber Valley Willow Yellow Zephyr Acorn Beacon Cedar Dune Elm Fern Glen Heron Iris "
    "Jade Knoll Lark Meadow Nova Opal"
)
WORDS = tuple(_WORDS.split(" "))
_TRADES = (
    "Works Bakery Design Logistics Foods Studio Tools Press Travel Systems Garden Motors Optics Textiles Paper Energy "
    "Dental Films Sports Music Books Coffee Bikes Lights Glass Steel Media Farm Toys Marine"
)
TRADES = tuple(_TRADES.split(" "))
FORMS = ("GmbH", "AG", "Ltd", "SARL", "BV", "SpA", "Oy", "KG", "Inc", "SA")
FOREIGN = (  # first name, last name, company
    ("さくら", "田中", "田中商店"), ("Дмитрий", "Иванов", "ООО Ромашка"), ("فاطمة", "الحربي", "مؤسسة الواحة"),
    ("Ελένη", "Παπαδοπούλου", "Αφοί Παπαδοπούλου"), ("伟", "王", "北京晨光贸易"), ("דנה", "כהן", "כהן ובניו"),
    ("Łukasz", "Żółć", "Zażółć Sp. z o.o."), ("Søren", "Ångström", "Ångström & Søn"), ("สมชาย", "ใจดี", "ร้านใจดี"),
    ("अनीता", "शर्मा", "शर्मा ट्रेडर्स"), ("José", "Núñez", "Núñez e Hijos"), ("Zoë", "D’Arcy", "D’Arcy & Fils"),
)  # fmt: skip
SEGMENTS = ("Wholesale", "Retail", "Partner", "Public sector", "")


class Town(NamedTuple):
    """Where somebody lives."""

    city: str
    state: str
    zip: str
    country: str
    code: str


TOWNS = (
    Town("Bonn", "Nordrhein-Westfalen", "53111", "Germany", "DE"), Town("Graz", "Steiermark", "8010", "Austria", "AT"),
    Town("Dublin", "Leinster", "D02 AF30", "Ireland", "IE"), Town("Lyon", "Rhône", "69002", "France", "FR"),
    Town("Porto", "Porto", "4000-322", "Portugal", "PT"), Town("Malmö", "Skåne", "211 19", "Sweden", "SE"),
    Town("Boston", "Massachusetts", "02110", "U.S.A", "US"), Town("Osaka", "Osaka", "530-0001", "Japan", "JP"),
    Town("Kuwait City", "Al Asimah", "13001", "Kuwait", "KW"), Town("Basel", "Basel-Stadt", "4051", "Switzerland", "CH"),
)  # fmt: skip
STREETS = ("Hauptstr.", "Mill Lane", "Rue Pasteur", "Parkweg", "Station Road", "Via Roma", "Am Markt", "Church Street")
GOODS = (
    ("Oak table", "1249.00", "goods"), ("Desk lamp", "49.90", "goods"), ("Office chair", "389.50", "goods"),
    ("Notebook A5", "3.45", "goods"), ("Coffee beans 1 kg", "18.75", "goods"), ("Consulting hour", "120.00", "service"),
    ("Delivery", "14.90", "service"), ("Annual support", "960.00", "service"), ("Shelf system", "274.333", "goods"),
    ("Ceramic mug", "8.99", "goods"), ("Installation", "85.00", "service"), ("Standing desk", "649.00", "goods"),
    ("Cable set", "12.49", "goods"), ("Training day", "780.00", "service"), ("Paper 500 sheets", "4.99", "goods"),
    ("Monitor arm", "119.95", "goods"), ("Design draft", "450.00", "service"), ("Whiteboard", "89.00", "goods"),
    ("Hosting month", "29.00", "service"), ("Tea box", "6.25", "goods"),
)  # fmt: skip
