"""Small faults put into SQL text, one at a time: what a careless hand could do to a file of db/.

No grammar: tokens, brackets and the clauses that keywords open are enough, and are the same inside a function's
body, a format() string and a rule's expression. A mutant that is no SQL any more fails to install, and is told apart.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    "predicate": "a condition without one of its parts",
    "compare": "a comparison that takes in its border, or leaves it out, or is turned round",
    "negate": "a NOT too few or too many",
    "lock": "a lock less, or a shared one for an exclusive one",
    "raise": "an error that is not raised",
    "reason": "a reason of rejection less",
    "row": "a shipped row less: a rule, a setting, a code, a status",
    "bound": "a shipped threshold or severity changed",
    "constraint": "a constraint less",
    "unique": "a unique index that is not unique",
    "not-null": "a column that may be NULL",
    "order": "an ORDER BY without one of its keys, or turned round",
    "distinct": "a DISTINCT less",
    "coalesce": "coalesce(a, b) without b",
    "extreme": "min for max, least for greatest",
    "number": "a number one higher",
    "sign": "plus for minus",
    "statement": "a statement less",
    "assignment": "a column of SET less",
    "grant": "a GRANT or REVOKE less, or one name of it",
    "definer": "SECURITY DEFINER less",
    "search-path": "a search_path that is not pinned",
    "pin": "another setting that is not pinned",
    "on-conflict": "a DO NOTHING less",
    "join": "an inner join for an outer one",
    "union": "UNION ALL for UNION",
}


@dataclass(frozen=True)
class Mutant:
    """One fault: at `start` of a file's text, `old` becomes `new`."""

    path: str  # below db/
    kind: str
    start: int
    old: str
    new: str
    line: int
    id: str

    def apply(self, text: str) -> str:
        """Return the file's text with the fault."""
        assert text[self.start : self.start + len(self.old)] == self.old
        return text[: self.start] + self.new + text[self.start + len(self.old) :]

    def __str__(self) -> str:
        old, new = (" ".join(part.split()) for part in (self.old, self.new))
        return f"{self.id} (line {self.line}): {_short(old)}  ->  {_short(new) or 'nothing'}"


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:80]} … {text[-15:]}"


# -- tokens ------------------------------------------------------------------------------------------

PATTERN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<dollar>\$\w*\$)
    | (?P<string>[eE]?'(?:[^']|'')*')
    | (?P<word>"(?:[^"]|"")*"|[A-Za-z_]\w*|%%?(?:\d+\$)?[IsL]|\$\d+)
    | (?P<number>\d+(?:\.\d+)?(?:e\d+)?)
    | (?P<operator><=|>=|<>|!=|:=|=>|::|\|\||<<|->>|->|!~\*?|!~~|.)
    """,
    re.VERBOSE | re.DOTALL,
)
# A string that is SQL itself is read like a bracket.
SQL_STRING = re.compile(r"\b(SELECT|WHERE|DELETE FROM|INSERT INTO|CREATE|ALTER|AND|BETWEEN|avg|count)\b")


@dataclass(frozen=True)
class Token:
    """A word, number, string, operator or bracket; `depth` counts the brackets and strings around it."""

    kind: str
    text: str
    start: int
    depth: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text


def tokens(text: str) -> list[Token]:
    """Return the tokens of a file, with those inside strings of SQL and bodies."""
    found: list[Token] = []
    _tokens(text, 0, len(text), 0, [], found)
    return found


def _tokens(text: str, start: int, end: int, depth: int, tags: list[str], found: list[Token]) -> int:
    place = start
    while place < end:
        match = PATTERN.match(text, place, end)
        assert match
        kind, piece = str(match.lastgroup), match[0]
        place = match.end()
        if kind == "space":
            continue
        if kind == "dollar":
            if tags and tags[-1] == piece:
                tags.pop()
                depth -= 1
                found.append(Token("close", piece, match.start(), depth))
            else:
                tags.append(piece)
                found.append(Token("open", piece, match.start(), depth))
                depth += 1
        elif kind == "string" and SQL_STRING.search(piece):
            first = match.start() + piece.index("'") + 1
            found.append(Token("open", text[match.start() : first], match.start(), depth))
            _tokens(text, first, match.end() - 1, depth + 1, [], found)
            found.append(Token("close", "'", match.end() - 1, depth))
        elif piece in "([":
            found.append(Token("open", piece, match.start(), depth))
            depth += 1
        elif piece in ")]":
            depth -= 1
            found.append(Token("close", piece, match.start(), depth))
        else:
            found.append(Token(kind, piece, match.start(), depth))
    return depth


# -- clauses -----------------------------------------------------------------------------------------

# What ends a condition or a list at its own depth.
ENDS = {
    "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "RETURNING", "WINDOW", "LOOP", "THEN", "WHERE", "JOIN", "LEFT",
    "CROSS", "FULL", "INNER", "OFFSET", "ON", "DO", ";", "INTO", "USING", "FROM", "AS", "EXCEPT",
}  # fmt: skip
ENDS_OF_LISTS = (ENDS - {"USING"}) | {"ROWS", "RANGE"}
# What stands before an ON that names a table or a routine.
OBJECTS = {"GRANT", "REVOKE", "INDEX", "DISTINCT", "COMMENT", "PRIVILEGES", "TRUNCATE", "REFERENCES"}
STATEMENTS = {
    "PERFORM", "DELETE", "UPDATE", "INSERT", "EXECUTE", "RAISE", "DROP", "COMMIT", "ROLLBACK", "RETURN", "EXIT",
    "CONTINUE", "CALL", "LOCK",
}  # fmt: skip
FLIPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "="}
TURNS = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
LOCKS = re.compile(r"lock|_wait_for_|_hold_|_lock_month_exclusive|FOR UPDATE|FOR SHARE", re.IGNORECASE)


class Reader:
    """One file, and the mutants that can be made of it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tokens = tokens(text)
        self.found: list[tuple[str, int, str, str]] = []

    def add(self, kind: str, start: int, end: int, new: str) -> None:
        """Note a fault."""
        self.found.append((kind, start, self.text[start:end], new))

    def upto(self, first: int, ends: set[str]) -> int:
        """Return the index of the token that ends the clause whose first token is `first`."""
        depth, cases = self.tokens[first].depth if first < len(self.tokens) else 0, 0
        for index in range(first, len(self.tokens)):
            token = self.tokens[index]
            if token.depth < depth:
                return index
            if token.depth == depth:
                if token.upper == "CASE":
                    cases += 1
                elif token.upper == "END" and cases:
                    cases -= 1
                elif cases == 0 and token.upper in ends and not self._is_no_end(index):
                    return index
        return len(self.tokens)

    def _is_no_end(self, index: int) -> bool:
        """Whether a keyword is part of an operator: IS DISTINCT FROM."""
        return self.tokens[index].upper == "FROM" and self.tokens[index - 1].upper == "DISTINCT"

    def parts(self, first: int, last: int, separator: str) -> list[tuple[int, int]]:
        """Split [first, last) at a separator of its own depth; not the AND of BETWEEN, nothing inside CASE."""
        depth, cases, between, start, found = self.tokens[first].depth, 0, False, first, []
        for index in range(first, last):
            token = self.tokens[index]
            if token.depth != depth:
                continue
            if token.upper == "CASE":
                cases += 1
            elif token.upper == "END" and cases:
                cases -= 1
            elif cases:
                continue
            elif token.upper == "BETWEEN":
                between = True
            elif token.upper == "AND" and between:
                between = False
            elif token.upper == separator:
                found.append((start, index))
                start = index + 1
        return [*found, (start, last)]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return where tokens [first, last) stand in the text."""
        return self.tokens[first].start, self.tokens[last - 1].end

    # -- conditions

    def condition(self, first: int, last: int) -> None:
        """Note the faults of a condition: tokens [first, last)."""
        if last <= first or (last == first + 1 and self.tokens[first].kind != "word"):  # CASE … WHEN 'a value'
            return
        ors = self.parts(first, last, "OR")
        ands = self.parts(first, last, "AND") if len(ors) == 1 else []
        for start, end in ors if len(ors) > 1 else ands:
            if end > start:
                neutral = "false" if len(ors) > 1 else "true"
                if self.text[slice(*self.span(start, end))].lower() != neutral:
                    self.add("predicate", *self.span(start, end), neutral)
                self._inner(start, end)
        for index in range(first, last):
            self._comparison(index)

    def _inner(self, start: int, end: int) -> None:
        """Look into a part: AND inside OR, and what is only brackets around more."""
        if len(self.parts(start, end, "AND")) > 1:
            for first, last in self.parts(start, end, "AND"):
                self.add("predicate", *self.span(first, last), "true")
                self._inner(first, last)
            return
        if self.tokens[start].upper == "NOT":
            start += 1
        if start < end and self.tokens[start].text == "(" and self.tokens[end - 1].text == ")":
            inner = self.tokens[start + 1 : end - 1]
            level = self.tokens[start].depth + 1
            if all(token.depth >= level for token in inner) and any(
                token.depth == level and token.upper in ("AND", "OR") for token in inner
            ) and inner[0].upper != "SELECT":  # fmt: skip
                word = "OR" if len(self.parts(start + 1, end - 1, "OR")) > 1 else "AND"
                for first, last in self.parts(start + 1, end - 1, word):
                    self.add("predicate", *self.span(first, last), "false" if word == "OR" else "true")

    def _comparison(self, index: int) -> None:
        token, after = self.tokens[index], self.tokens[index + 1 : index + 4]
        words = [one.upper for one in after]
        if token.kind == "operator" and token.text in FLIPS:
            if words[:1] not in (["ANY"], ["ALL"]):
                self.add("compare", token.start, token.end, FLIPS[token.text])
            if token.text in TURNS:
                self.add("compare", token.start, token.end, TURNS[token.text])
        elif token.upper == "IS" and words[:2] == ["NOT", "DISTINCT"]:
            self.add("compare", after[0].start, after[1].start, "")
        elif token.upper == "IS" and words[:1] == ["DISTINCT"]:
            self.add("compare", after[0].start, after[0].end, "NOT DISTINCT")
        elif token.upper == "IS" and words[:2] == ["NOT", "NULL"]:
            self.add("compare", after[0].start, after[1].start, "")
        elif token.upper == "IS" and words[:1] == ["NULL"]:
            self.add("compare", after[0].start, after[0].end, "NOT NULL")
        elif token.upper == "NOT" and self.tokens[index - 1].upper != "IS" and words[:1]:
            self.add("negate", token.start, after[0].start, "")
        elif token.kind == "number" and re.fullmatch(r"\d{1,7}", token.text):
            self.add("number", token.start, token.end, str(int(token.text) + 1))

    # -- the whole file

    def read(self) -> None:
        """Note every fault."""
        is_schema = self.path.startswith("schema/")
        conditions: set[int] = set()
        for index, token in enumerate(self.tokens[:-1]):
            word, following = token.upper, self.tokens[index + 1]
            before = self.tokens[index - 1].upper if index else ""
            if self._opens_condition(index):
                conditions.add(index + 1)
            elif word == "ORDER" and following.upper == "BY":
                self._order(index + 2)
            elif word == "DISTINCT" and before in ("SELECT", "("):
                if following.upper == "ON":
                    continue
                self.add("distinct", token.start, following.start, "")
            elif word == "UNION" and following.upper != "ALL":
                self.add("union", token.start, token.end, "UNION ALL")
            elif word == "LEFT" and following.upper == "JOIN":
                self.add("join", token.start, following.start, "")
            elif word == "FULL" and following.upper == "JOIN":
                self.add("join", token.start, token.end, "LEFT")
            elif word == "COALESCE" and following.text == "(":
                self._coalesce(index)
            elif word in ("MIN", "MAX", "LEAST", "GREATEST") and following.text == "(":
                other = {"MIN": "max", "MAX": "min", "LEAST": "greatest", "GREATEST": "least"}[word]
                self.add("extreme", token.start, token.end, other)
            elif token.text in "+-" and token.kind == "operator" and following.kind == "number" and not is_schema:
                self.add("sign", token.start, token.end, "-" if token.text == "+" else "+")
            elif word in ("PG_ADVISORY_XACT_LOCK", "PG_ADVISORY_XACT_LOCK_SHARED"):
                shared = word.endswith("SHARED")
                self.add("lock", token.start, token.end, "pg_advisory_xact_lock" + ("" if shared else "_shared"))
            elif (
                word in ("_WAIT_FOR_DAY", "_WAIT_FOR_LOCK")
                and following.text == "("
                and self.tokens[index - 3].upper not in ("FUNCTION", "ON")
            ):
                last = self.tokens[self._group(index + 1) - 1]
                shared = last.upper == "TRUE"
                self.add("lock", last.start, last.end, "false" if shared else f"{last.text}, true")
            elif word == "SET" and before not in ("UPDATE",):
                self._set(index)
            elif word == "SECURITY" and following.upper == "DEFINER":
                self.add("definer", token.start, following.end, "")
            elif word == "DO" and following.upper == "NOTHING":
                self._do_nothing(index)
            elif word == "VALUES":
                self._values(index + 1)
            elif word == "_PROBLEM" and following.text == "(" and self.tokens[index - 3].upper != "FUNCTION":
                self._problem(index + 1)
            elif word in ("GRANT", "REVOKE") and before in ("", ";"):
                self._grant(index)
            elif is_schema and word == "CONSTRAINT" and before in ("(", ","):
                self._constraint(index)
            elif is_schema and word == "UNIQUE" and following.upper == "INDEX":
                self.add("unique", token.start, following.start, "")
            elif is_schema and word == "NOT" and following.upper == "NULL" and self._is_column(index):
                self.add("not-null", token.start, following.end, "")
            if self._begins_statement(index):
                self._statement(index)
        for first in sorted(conditions):
            self.condition(first, self.upto(first, ENDS))
        if is_schema and self.path.endswith("dq_rules.sql"):
            self._expressions()

    def _opens_condition(self, index: int) -> bool:
        """Whether a condition begins behind this token."""
        word, following = self.tokens[index].upper, self.tokens[index + 1].upper
        before = self.tokens[index - 1].upper if index else ""
        if word == "ON":
            return (
                following not in ("CONFLICT", "COMMIT", "CONSTRAINT") and before != "=" and not self._is_object(index)
            )
        if word == "WHEN":
            return not self._is_handler(index)
        return word in ("WHERE", "HAVING", "ELSIF") or (word == "IF" and before != "END")

    def _is_handler(self, index: int) -> bool:
        """Whether this WHEN belongs to EXCEPTION."""
        for token in reversed(self.tokens[max(0, index - 60) : index]):
            if token.depth == self.tokens[index].depth and token.upper in ("EXCEPTION", "CASE", "EXIT", "CONTINUE"):
                return token.upper == "EXCEPTION"
        return False

    def _is_object(self, index: int) -> bool:
        """Whether this ON names a table or routine (GRANT … ON, CREATE INDEX … ON, DISTINCT ON, COMMENT ON)."""
        for token in reversed(self.tokens[max(0, index - 12) : index]):
            if token.upper in ("JOIN", "FROM", "AS"):
                return False
            if token.upper in OBJECTS:
                return True
        return False

    def _is_column(self, index: int) -> bool:
        """Whether this NOT NULL belongs to a column of a table."""
        return self.tokens[index].depth == 1 and "CREATE TABLE" in self.text[: self.tokens[index].start]

    def _drop_each(self, kind: str, items: list[tuple[int, int]]) -> None:
        """Note a list without one of its items, and the comma that goes with it."""
        for number, (start, end) in enumerate(items if len(items) > 1 else []):
            begin = self.tokens[start].start if number == 0 else self.tokens[items[number - 1][1]].start
            stop = self.tokens[items[1][0]].start if number == 0 else self.tokens[end - 1].end
            self.add(kind, begin, stop, "")

    def _order(self, first: int) -> None:
        last = self.upto(first, ENDS_OF_LISTS)
        keys = self.parts(first, last, ",")
        self._drop_each("order", keys)
        for start, end in keys:
            if end <= start:
                continue
            words = [token.upper for token in self.tokens[start:end]]
            if "DESC" in words:
                token = self.tokens[start + words.index("DESC")]
                self.add("order", token.start, token.end, "")
            elif "ASC" not in words:
                place = self.tokens[end - 1].end
                self.add("order", self.tokens[end - 1].start, place, self.tokens[end - 1].text + " DESC")

    def _group(self, opened: int) -> int:
        """Return the index of the bracket that closes this one."""
        depth = self.tokens[opened].depth
        return next(
            index for index in range(opened + 1, len(self.tokens))
            if self.tokens[index].depth == depth and self.tokens[index].kind == "close"
        )  # fmt: skip

    def _coalesce(self, index: int) -> None:
        closed = self._group(index + 1)
        parts = self.parts(index + 2, closed, ",")
        if len(parts) > 1:
            kept = self.text[slice(*self.span(*parts[0]))]
            self.add("coalesce", self.tokens[index].start, self.tokens[closed].end, f"({kept})")

    def _set(self, index: int) -> None:
        name = self.tokens[index + 1]
        before = self.tokens[index - 1].upper
        in_head = name.depth == 0 and before not in (";", "UPDATE")
        if in_head and self.tokens[index + 2].text in ("=", "TO"):
            last = index + 4
            while last < len(self.tokens) and self.tokens[last].text == ",":
                last += 2
            kind = "search-path" if name.text == "search_path" else "pin"
            self.add(kind, self.tokens[index].start, self.tokens[last - 1].end, "")
        elif name.kind in ("word", "open") and self.tokens[index].depth > 0 and name.upper != "TRANSACTION":
            first = index + 1
            last = self.upto(first, {"FROM", "WHERE", ";", "RETURNING"})
            items = self.parts(first, last, ",")
            self._drop_each("assignment", items)

    def _do_nothing(self, index: int) -> None:
        first = index
        while (self.tokens[first].upper, self.tokens[first + 1].upper) != ("ON", "CONFLICT"):
            first -= 1
        self.add("on-conflict", self.tokens[first].start, self.tokens[index + 1].end, "")

    def _values(self, first: int) -> None:
        """Rows of VALUES that are shipped."""
        rows, index = [], first
        while index < len(self.tokens) and self.tokens[index].text == "(":
            closed = self._group(index)
            rows.append((index, closed))
            index = closed + 1
            if index >= len(self.tokens) or self.tokens[index].text != ",":
                break
            index += 1
        for number, (opened, closed) in enumerate(rows):
            if len(rows) > 1 and self.path.startswith("schema/"):
                begin = self.tokens[opened].start if number == 0 else self.tokens[rows[number - 1][1]].end
                stop = self.tokens[rows[1][0]].start if number == 0 else self.tokens[closed].end
                self.add("row", begin, stop, "")
                for token in self.tokens[opened:closed]:
                    if token.depth == self.tokens[opened].depth + 1:
                        self._bound(token)

    def _problem(self, opened: int) -> None:
        """A reason of rejection: staging._problem(condition, reason, value)."""
        parts = self.parts(opened + 1, self._group(opened), ",")
        if self.tokens[parts[0][0]].upper != "TRUE":
            self.add("reason", *self.span(*parts[0]), "false")
            self.condition(*parts[0])

    def _bound(self, token: Token) -> None:
        if token.kind == "number":
            other = str(int(token.text) + 1) if token.text.isdigit() else token.text + "9"
            self.add("bound", token.start, token.end, other)
        elif token.upper in ("TRUE", "FALSE"):
            self.add("bound", token.start, token.end, "false" if token.upper == "TRUE" else "true")
        elif token.text in ("'critical'", "'warning'"):
            self.add("bound", token.start, token.end, "'warning'" if "critical" in token.text else "'critical'")

    def _expressions(self) -> None:
        """The expressions of shipped rules: strings of SQL."""
        for index, token in enumerate(self.tokens):
            if token.kind == "open" and token.text == "'":
                self.condition(index + 1, self._group(index))

    def _grant(self, index: int) -> None:
        last = self.upto(index, {";"})
        self.add("grant", self.tokens[index].start, self.tokens[last - 1].end, "")
        first = next((i for i in range(index, last) if self.tokens[i].upper in ("FUNCTION", "PROCEDURE")), None)
        if first is None:
            first = next((i for i in range(index, last) if self.tokens[i].upper in ("TO", "FROM")), last)
        to = next((i for i in range(first + 1, last) if self.tokens[i].upper in ("TO", "FROM")), last)
        items = self.parts(first + 1, to, ",") if first + 1 < to else []
        self._drop_each("grant", items)

    def _constraint(self, index: int) -> None:
        last = self.upto(index, {",", ";"})
        start = self.tokens[index - 1].start if self.tokens[index - 1].text == "," else self.tokens[index].start
        end = self.tokens[last - 1].end
        self.add("constraint", start, end, "")

    def _begins_statement(self, index: int) -> bool:
        """Whether a statement of a PL/pgSQL body begins here."""
        token = self.tokens[index]
        if token.depth != 1 or not self.path.startswith("procedures/") or self.tokens[index - 1].upper not in (
            ";", "THEN", "LOOP", "BEGIN", "ELSE",
        ):  # fmt: skip
            return False
        return token.upper in STATEMENTS or self.tokens[index + 1].text == ":="

    def _statement(self, index: int) -> None:
        last = self.upto(index, {";"})
        start, end = self.span(index, last)
        statement = self.text[start:end]
        word = self.tokens[index].upper
        if word == "RETURN" and self.tokens[index + 1].text != ";":
            return
        kind = "raise" if word == "RAISE" else "lock" if word == "PERFORM" and LOCKS.search(statement) else "statement"
        self.add(kind, start, end, "NULL")


def mutants(folder: Path) -> list[Mutant]:
    """Return all mutants of the SQL below a folder `db`, by file and place. Ids survive edits elsewhere in a file."""
    made: list[Mutant] = []
    for path in sorted(folder.rglob("*.sql")):
        made += of_file(path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8"))
    return made


def of_file(path: str, text: str) -> Iterator[Mutant]:
    """Yield the mutants of one file."""
    reader = Reader(path, text)
    reader.read()
    times: dict[str, int] = {}
    for kind, start, old, new in sorted(set(reader.found), key=lambda one: (one[1], one[0], one[3])):
        if old == new:
            continue
        # What stands around it tells it from others of its sort.
        begin = text.rfind("\n", 0, start) + 1
        end = text.find("\n", start + len(old))
        around = " ".join(text[begin : end if end >= 0 else len(text)].split())
        said = f"{kind}|{around}|{' '.join(old.split())}|{' '.join(new.split())}"
        times[said] = times.get(said, 0) + 1
        digest = hashlib.sha256(f"{said}|{times[said]}".encode()).hexdigest()[:6]
        name = path.removeprefix("procedures/").removesuffix(".sql")
        yield Mutant(path, kind, start, old, new, text.count("\n", 0, start) + 1, f"{name}:{kind}:{digest}")
