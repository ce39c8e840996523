"""What seeded people, companies and deals are called: invented names, `.example` addresses."""

from __future__ import annotations

_FIRST = (
    "Asha Bela Chandra Devi Esha Farid Gita Hari Indra Jaya Kiran Lata Meera Nikhil Omar Priya Qadir Ravi "
    "Sita Tara Uma Vikram Wasim Yash Zara Anna Ben Carla David Ella Frank Grete Hans Ilse Jakob"
)
FIRST = tuple(_FIRST.split(" "))
_LAST = (
    "Agarwal Bose Chopra Desai Elangovan Fernandes Gupta Hegde Iyer Joshi Kapoor Lal Mehta Nair Ojha Patel Qureshi Rao "
    "Sharma Thakur Upadhyay Verma Wadhwa Yadav Zaveri Adler Berg Claus Dorn Engel"
)
LAST = tuple(_LAST.split(" "))
_WORDS = "Lotus Banyan Monsoon Saffron Indigo Copper Silver Teak River Summit Harbour Orchid Cedar Falcon Jasmine"
WORDS = tuple(_WORDS.split(" "))
_TRADES = "Textiles Logistics Foods Systems Motors Pharma Retail Energy Media Exports Design Steel Travel"
TRADES = tuple(_TRADES.split(" "))
FORMS = ("Pvt Ltd", "Ltd", "GmbH", "LLP", "Inc")
TOWNS = (
    ("Mumbai", "Maharashtra", "400001", "India"), ("Chennai", "Tamil Nadu", "600001", "India"), ("Pune", "Maharashtra", "411001", "India"),
    ("Bonn", "Nordrhein-Westfalen", "53111", "Germany"), ("Dublin", "Leinster", "D02 AF30", "Ireland"),
)  # fmt: skip
