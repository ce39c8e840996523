"""An address that is told by one look is one to the library as well."""

from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from mapper.mapping.check import _is_common_email, _is_email

LETTERS = st.text("aZ9-._+@ü\u017f ", min_size=1, max_size=12)
LOCALS = LETTERS | st.sampled_from(["a" * 64, "a" * 65, "a..b", ".a", "a.", "Ann.Lee+x"])
LABELS = LETTERS | st.sampled_from(["xn--a", "a-b", "a" * 63, "a" * 64, "ex"])
LAST = st.sampled_from(["org", "c", "example", "test", "local", "onion", "localhost", "invalid", "arpa", "o1", "info"])


class TestCommonEmail:
    @given(LOCALS, st.lists(LABELS, max_size=4), LAST)
    def test_is_one_to_the_library(self, local: str, labels: list[str], last: str) -> None:
        words = f"{local}@{'.'.join([*labels, last])}"
        if _is_common_email(words):
            validate_email(words, check_deliverability=False, test_environment=True)

    def test_most_addresses_are(self) -> None:
        assert all(map(_is_common_email, ["ana@ex.org", "Ann.Lee+x@mail.shop-one.co.uk", "c1@burst.example"]))

    def test_what_it_does_not_know_the_library_is_asked_for(self) -> None:
        assert _is_email("ana@exämple.org")
        assert not _is_common_email("ana@exämple.org")
        assert not _is_email("ana@printer.local")
