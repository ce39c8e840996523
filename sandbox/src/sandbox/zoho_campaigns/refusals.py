"""What the vendor says when it does not do what was asked: a code that is text, and a sentence (sheet, section 4)."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

WORDS = {
    "500": "Sorry, there was a problem. Please try again.",
    "901": "Account is not active.",
    "902": "No user account is found.",
    "903": "Mandatory fields are missing in this URL.",
    "914": "Contacts cannot be added: the maximum limit is reached.",
    "916": "Duplicate custom field found.",
    "992": "No result is found.",
    "993": "No contact is found.",
    "995": "No list is found.",
    "1001": "Pattern does not match.",
    "1002": "An extra parameter is found.",
    "1003": "Mandatory fields are missing in this URL.",
    "1004": "Wrong URL is entered.",
    "1005": "The format of the data type is not correct.",
    "1006": "Multiple entries of a key are not supported.",
    "1007": "Unauthorized request.",
    "2001": "Error in subscription. Please retry after some time.",
    "2002": "List key is empty or invalid.",
    "2003": "Contact exists in this list.",
    "2004": "Invalid email address.",
    "2005": "Group email address.",
    "2006": "Contact is in the Do-Not-Mail registry.",
    "2008": "Calls limit exceeded.",
    "2101": "Please retry after some time.",
    "2102": "List key is empty or invalid.",
    "2103": "Contact does not exist.",
    "2104": "Error in moving the contact to Do-Not-Mail.",
    "2202": "List key is empty or invalid.",
    "2203": "There are no contacts in this list.",
    "2206": "List is deleted.",
    "2302": "The maximum number of contacts is reached.",
    "2401": "List key is empty or invalid.",
    "2501": "List key is empty or invalid.",
    "2701": "Insufficient privilege to access the mailing list.",
    "4010": "Insufficient privilege for topics.",
    "4012": "The contact's subscription type was changed less than a month ago.",
    "4013": "A topic of this name exists.",
    "4014": "Invalid product.",
    "4015": "Topics are kept by brand in this account.",
    "4016": "Topics are not enabled in this account.",
    "4017": "The name of the topic is empty.",
    "4018": "The description of the topic is empty.",
    "4019": "Invalid topic.",
    "9000": "Tag already exists",
    "9001": "Tag not found",
    "9002": "Error in tag",
}


class Refusal(Exception):
    """One call that is refused, mostly with HTTP 200; `by_gateway` is before its method was asked."""

    def __init__(self, code: str, message: str = "", *, status: int = 200, by_gateway: bool = False) -> None:
        super().__init__(code)
        self.code, self.message, self.status, self.by_gateway = code, message or WORDS[code], status, by_gateway


def at_gateway(code: str, status: int = 200) -> Refusal:
    return Refusal(code, status=status, by_gateway=True)


def unauthorised() -> Refusal:
    """No token, a dead one, one of another region: the vendor does not say which."""
    return at_gateway("1007", 401)
