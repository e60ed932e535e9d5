/** Two mistakes in one file are reported together, so that a user can correct all at once. */
import { describe, expect, it } from "vitest";
import { runPolicyTests } from "../../src/dry-run/policy-tests.ts";
import { CORPUS, type Mistake } from "./corpus.ts";
import { mutated, problemsIn, read, SAMPLE } from "./kit.ts";
import { patternOf } from "../kit/pattern.ts";

const all = CORPUS.flatMap(({ mistakes }) => mistakes).filter(({ taken }) => taken !== "" && SAMPLE.includes(taken));
const called = (title: string): Mistake => all.find((each) => each.title === title)!;

/** Malformed values, unknown and missing keys, one in each section: they must not hide other mistakes. */
const FIRST = [
  "a size without a unit",
  "a key of a listener misspelt",
  "an unknown carrier of keys",
  "a key of timeouts misspelt",
  "lanes below one",
  "a duration in words",
  "a rate without a period",
  "an unknown action",
  "an unknown redaction",
  "the journal's name with a blank",
  "an OCS address with a path",
  "a variable that is not set",
  "a key at the top misspelt",
  "a DBID of 0",
  "a text as DBID",
  "an empty DBID",
];

/** About the admin listener that `shared.peers` needs. */
const NODES = /^client certificates of nodes .*$|^nodes whose admin API .*$|^half a client certificate of a node$/;

/** Mistakes that these hide for a reason: they depend on a value that is unknown or removed. */
const BECAUSE: readonly (readonly [first: string, second: RegExp])[] = [
  // Which OCS it is, is not known.
  [
    "an OCS address with a path",
    /^(a backup that is the primary|http to another host|an invalid CA|a client certificate for OCS without its key)$/,
  ],
  // An unknown key may be the one that is missed.
  ["a key of a listener misspelt", patternOf(/^no TLS towards the network$|/, NODES)],
  [
    "a key of timeouts misspelt",
    patternOf(/^http to another host$|^an invalid CA$|^a client certificate for OCS without its key$|/, NODES),
  ],
  // Whose grant it would be is not known.
  ["an unknown action", /^a policy test with an unknown client$/],
  // The key is not known, so it may be one of the site's own.
  [
    "a variable that is not set",
    patternOf(
      /^two listeners at one address$|^no TLS towards the network$|^http to another host$|/,
      /^an admin listener towards the network$|^an index key .*$|^an OCS address .*$/,
    ),
  ],
];

const isReported = (first: Mistake, second: Mistake): boolean =>
  !BECAUSE.some(([title, pattern]) => title === first.title && pattern.test(second.title));

const apart = (one: Mistake, other: Mistake): boolean => {
  const [a, b] = [SAMPLE.indexOf(one.taken), SAMPLE.indexOf(other.taken)];
  return a >= b + other.taken.length || b >= a + one.taken.length;
};

const with2 = (one: Mistake, other: Mistake): string =>
  [one, other]
    .toSorted((a, b) => SAMPLE.indexOf(b.taken) - SAMPLE.indexOf(a.taken))
    .reduce((text, { taken, put }) => {
      const at = SAMPLE.indexOf(taken);
      return text.slice(0, at) + put + text.slice(at + taken.length);
    }, SAMPLE);

const errorsIn = (text: string): string[] =>
  problemsIn(text)
    .filter(({ severity }) => severity === "error")
    .map(({ code, path, message }) => `${code} ${path} ${message}`);

describe("a mistake is reported together with another one:", () => {
  const SECOND = CORPUS.filter(({ name }) => ["contradictions.txt", "files.txt", "values.txt"].includes(name))
    .flatMap(({ mistakes }) => mistakes)
    .filter(
      (each) =>
        all.includes(each) && !/^(clients as a list|tenants as a map|no tenants left|no listeners)$/.test(each.title),
    );

  it.each(FIRST)("%s", (title) => {
    const first = called(title);
    const hidden = SECOND.filter(
      (second) => second !== first && apart(first, second) && isReported(first, second),
    ).flatMap((second) => {
      // A section whose name is misspelt has its problems under that name.
      const reported = errorsIn(with2(first, second)).map((error) => error.replace(" tenats", " tenants"));
      return errorsIn(mutated([second.taken, second.put]))
        .filter((error) => !reported.includes(error))
        .map((error) => `${second.title}: ${error}`);
    });
    expect(hidden).toEqual([]);
  });

  it("a failing policy test, a contradiction and a missing file", async () => {
    const text = mutated(
      ["expect: OCSGW-2103", "expect: allow"],
      ["    tls: none", "    tls: { cert: none.pem, key: none.pem }"],
    );
    const held = await runPolicyTests(read(text), "ocsgw.yaml");
    const codes = held.ok ? [] : held.problems.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["OCSGW-6272", "OCSGW-6252"]));
  });
});

describe("an algorithm without a private key", () => {
  it.each([
    ["HS256", /^with a shared secret, everybody who can verify/],
    ["HS512", /^with a shared secret, everybody who can verify/],
    ["none", /^anybody can forge a token without a signature/],
    ["NONE", /^anybody can forge/],
  ])("is not treated as a mistyped RS256: %s", (algorithm, help) => {
    const [problem] = problemsIn(
      mutated([
        "  # jwt:\n",
        `  jwt: [{ name: i, issuer: i, audience: a, jwks_uri: "https://i.example/", algorithms: [${algorithm}] }]\n`,
      ]),
    );
    expect(problem).toMatchObject({ code: "OCSGW-6103", help: expect.stringMatching(help) as string });
  });

  it("does not remove the help for mistyped algorithms", () => {
    const [problem] = problemsIn(
      mutated([
        "  # jwt:\n",
        '  jwt: [{ name: i, issuer: i, audience: a, jwks_uri: "https://i.example/", algorithms: [RS265] }]\n',
      ]),
    );
    expect(problem?.help).toBe("did you mean `RS256`?");
  });
});
