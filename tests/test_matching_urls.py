"""URLs: one rule of the standard after the other."""

from __future__ import annotations

import unittest

from cassettes_lib.matching import MATCHER_NAMES, MatchOn, url
from tests.support import a_request
from tests.support_matching import match


def urls_match(one: str, other: str, match_on: MatchOn = "url") -> bool:
    return match(a_request(url=one), a_request(url=other), match_on)


class UrlTest(unittest.TestCase):
    def assert_same(self, *urls: str) -> None:
        for other in urls[1:]:
            with self.subTest(one=urls[0], other=other):
                self.assertTrue(urls_match(urls[0], other))

    def assert_different(self, *urls: str) -> None:
        for position, one in enumerate(urls):
            for other in urls[position + 1 :]:
                with self.subTest(one=one, other=other):
                    self.assertFalse(urls_match(one, other))

    def test_the_case_of_scheme_and_host_is_free(self) -> None:
        self.assert_same("https://example.com/a", "HTTPS://Example.COM/a")

    def test_the_case_of_all_else_counts(self) -> None:
        self.assert_different("https://h/a?b=c", "https://h/A?b=c", "https://h/a?B=c", "https://h/a?b=C")

    def test_the_default_port_may_be_left_out(self) -> None:
        self.assert_same("http://h/", "http://h:80/", "http://h:/", "http://h:080/")
        self.assert_same("https://h/", "https://h:443/")
        self.assert_different("http://h/", "http://h:443/", "http://h:8080/", "https://h/", "https://h:80/")

    def test_an_empty_path_is_the_root(self) -> None:
        self.assert_same("http://h", "http://h/", "http://h#top", "http://h/#top")
        self.assert_same("http://h?a=1", "http://h/?a=1")

    def test_a_trailing_slash_counts(self) -> None:
        self.assert_different("http://h/a", "http://h/a/", "http://h//a", "http://h/a//")

    def test_needless_percent_escapes_are_undone(self) -> None:
        self.assert_same("http://h/~a-b_c.d", "http://h/%7ea%2Db%5Fc%2ed", "http://h/%7Ea%2db%5fc%2Ed")

    def test_the_case_of_percent_escapes_is_free(self) -> None:
        self.assert_same("http://h/%c3%a9", "http://h/%C3%A9", "http://h/é")

    def test_escapes_of_reserved_characters_in_a_path_count(self) -> None:
        self.assert_different("http://h/a/b", "http://h/a%2Fb")
        self.assert_different("http://h/a+b", "http://h/a%2Bb", "http://h/a%20b")
        self.assert_different("http://h/a;b", "http://h/a%3Bb")
        self.assert_different("http://h/a", "http://h/a%3F", "http://h/a%23")

    def test_what_must_not_stand_raw_in_a_path_is_escaped(self) -> None:
        self.assert_same("http://h/a b", "http://h/a%20b")
        self.assert_same("http://h/{a}|^[b]", "http://h/%7Ba%7D%7C%5E%5Bb%5D")
        self.assert_same("http://h/100%", "http://h/100%25")
        self.assert_same("http://h/%zz", "http://h/%25zz")

    def test_dot_segments_are_removed(self) -> None:
        self.assert_same("http://h/a/c", "http://h/a/./c", "http://h/a/b/../c", "http://h/a/%2e/b/%2E%2e/c",
        "http://h/../a/c")
        self.assert_same("http://h/a/", "http://h/a/.", "http://h/a/b/..", "http://h/a/b/../")
        self.assert_same("http://h/", "http://h/.", "http://h/..", "http://h/a/..")
        self.assert_different("http://h/.well-known", "http://h/well-known", "http://h/..a", "http://h/...")

    def test_international_hosts_are_compared_in_their_ascii_form(self) -> None:
        self.assert_same(
            "http://bücher.example/", "http://BÜCHER.example/", "http://xn--bcher-kva.example/",
            "http://XN--bcher-KVA.example",
            "http://b%C3%BCcher.example/",
        )
        self.assert_same("http://straße.example/", "http://xn--strae-oqa.example/")
        self.assert_different("http://bücher.example/", "http://bucher.example/")
        self.assert_same("http://☃☃..\u200b/", "http://☃☃..\u200b/#no-such-host-is-no-exception")

    def test_ip_addresses_are_hosts(self) -> None:
        self.assert_same("http://[2001:DB8::1]/", "http://[2001:db8::1]:80/")
        self.assert_different("http://[::1]/", "http://[::1]:8080/", "http://127.0.0.1/", "http://127.0.0.1:8080/")

    def test_userinfo_counts(self) -> None:
        self.assert_different("http://h/", "http://u@h/", "http://u:p@h/", "http://u:q@h/")
        self.assert_same("http://h/", "http://@h/")
        self.assert_same("http://u%7e@h/", "http://u~@H/")

    def test_the_fragment_is_ignored(self) -> None:
        self.assert_same("http://h/a", "http://h/a#", "http://h/a#b", "http://h/a#b?c=d#e")
        self.assert_same("http://h/a?b=c", "http://h/a?b=c#d")

    def test_the_order_of_query_parameters_is_free(self) -> None:
        self.assert_same("http://h/?a=1&b=2&c=3", "http://h/?c=3&a=1&b=2", "http://h/?b=2&c=%33&a=1")

    def test_blank_and_repeated_parameters_are_kept(self) -> None:
        self.assert_different("http://h/", "http://h/?a=", "http://h/?a=1", "http://h/?a=1&a=1", "http://h/?a=1&a=2",
        "http://h/?b=")
        self.assert_different("http://h/?a=1", "http://h/?a=1&b=", "http://h/?a=1&b=&b=")
        self.assert_same("http://h/?a", "http://h/?a=")

    def test_empty_pieces_of_a_query_are_nothing(self) -> None:
        self.assert_same("http://h/", "http://h/?", "http://h/?&", "http://h?#")
        self.assert_same("http://h/?a=1&b=2", "http://h/?&a=1&&b=2&")

    def test_a_plus_is_a_space_in_a_query(self) -> None:
        self.assert_same("http://h/?q=a+b", "http://h/?q=a%20b", "http://h/?q=a b")
        self.assert_different("http://h/?q=a+b", "http://h/?q=a%2Bb", "http://h/?q=ab")

    def test_escapes_in_a_query_are_compared_by_what_they_mean(self) -> None:
        self.assert_same("http://h/?q=%7e%2f%3A", "http://h/?q=~/:", "http://h/?q=%7E%2F%3a")
        self.assert_same("http://h/?q=é", "http://h/?q=%c3%a9", "http://h/?%71=%C3%A9")
        self.assert_same("http://h/?q=%", "http://h/?q=%25")
        self.assert_different(
            "http://h/?a=1&b=2", "http://h/?a=1%26b%3D2", "http://h/?a%3D1&b=2", "http://h/?a%3D1=&b=2="
        )
        self.assert_different("http://h/?a=b=c", "http://h/?a%3Db=c", "http://h/?a=b&c=")
        self.assert_different("http://h/?q=%E9", "http://h/?q=%C3%A9", "http://h/?q=%EF%BF%BD", "http://h/?q=%FF")

    def test_a_semicolon_does_not_part_parameters(self) -> None:
        self.assert_different("http://h/?a=1;b=2", "http://h/?a=1&b=2")

    def test_anything_is_a_url(self) -> None:
        for odd in (
            "", "x", "/a?b", "//h", "mailto:a@b", "http:", "http://", "http:///a", "http://h:99999999/",
            "http://h:x/", "http://[::1",
            "http://a@b@c/", "\0", "http://\ud800/\udfff?\udc80=\ud800", "http://h:" + "9" * 9999 + "/",
            "http://h/\n?\r", ":", "?", "#",
            "a/./b", "http://h:80:80/", "data:text/plain,%zz",
        ):  # fmt: skip
            with self.subTest(odd[:40]):
                self.assertTrue(urls_match(odd, odd, MATCHER_NAMES))
                self.assertFalse(urls_match(odd, "https://example.com/other"))

    def test_the_parts_of_a_url_can_be_compared_alone(self) -> None:
        one = "https://User@Example.com:8443/a/b?x=1&y=2#f"
        for name, same, different in (
            ("scheme", "HTTPS://other/", "http://User@example.com:8443/a/b?x=1&y=2"),
            ("host", "http://EXAMPLE.com/", "https://User@example.org:8443/a/b?x=1&y=2"),
            ("port", "http://other:8443/", "https://User@example.com/a/b?x=1&y=2"),
            ("path", "http://other/a/./b", "https://User@example.com:8443/a/c?x=1&y=2"),
            ("query", "http://other/?y=2&x=1", "https://User@example.com:8443/a/b?x=1&y=3"),
        ):
            with self.subTest(name):
                self.assertTrue(urls_match(one, same, name))
                self.assertFalse(urls_match(one, different, name))
        self.assertTrue(urls_match("http://h/", "https://h:80/", "port"))
        self.assertFalse(urls_match("http://h/", "https://h/", "port"))

    def test_named_parameters_can_be_ignored(self) -> None:
        without_ts = url(ignore=["ts", "nonce é"])
        self.assertTrue(urls_match("http://h/?a=1&ts=5", "http://h/?ts=6&a=1", without_ts))
        self.assertTrue(urls_match("http://h/?a=1", "http://h/?ts=6&a=1&ts=7&nonce%20%C3%A9=x", without_ts))
        self.assertFalse(urls_match("http://h/?a=1&ts=5", "http://h/?a=2&ts=5", without_ts))
        self.assertFalse(urls_match("http://h/?ats=5", "http://h/?ats=6", without_ts))
        self.assertFalse(urls_match("http://h/?TS=5", "http://h/?TS=6", without_ts))
        self.assertTrue(urls_match("http://h/?ts=5", "http://h/?ts=6", url(ignore="ts")))


if __name__ == "__main__":
    unittest.main()
