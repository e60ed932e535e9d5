/** What a browser finds out about the lines of a request, from a journal as the gateway writes it. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EntryProofs } from "../../src/admin/schemas/flow.ts";
import { checkProofs, NoCryptography, type Verdicts } from "../../src/console/pages/flow/proof.ts";
import { JournalSearch } from "../../src/journal/search/journal-search.ts";
import { answerOf } from "../../src/journal/search/worker/answer.ts";
import { TimeLimit } from "../../src/journal/search/worker/time-limit.ts";
import { aDirectory, aDoNotCall, aKey, anIntent, openWithCheckpoints, removeDirectory } from "../journal/kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await removeDirectory(dir);
});

type Given = { proofs: EntryProofs; shown: readonly object[] };

type Asked = { readonly requests?: number; readonly signed?: number; readonly number?: number };

/** The proofs of request `number` among `requests`; the checkpoint covers the entries of the first `signed` ones. */
const given = async ({ requests = 5, signed = requests, number = 3 }: Asked = {}): Promise<Given> => {
  const { journal, checkpoints, close } = await openWithCheckpoints(dir, aKey());
  for (let each = 1; each <= requests; each++) {
    for (const entry of aDoNotCall(each)) await journal.append(entry);
    if (each === signed) await checkpoints.write();
  }
  await journal.head();
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const limit = new TimeLimit(60_000);
    const { id } = anIntent(number);
    const { transactions } = await answerOf(search, { kind: "transaction", id }, limit);
    const { proofs } = await answerOf(search, { kind: "proofs", id }, limit);
    // As both come over the API.
    return JSON.parse(JSON.stringify({ proofs, shown: transactions![0]!.entries })) as Given;
  } finally {
    search.close();
    await close();
  }
};

const verdictsOf = async ({ proofs, shown }: Given): Promise<Verdicts> => checkProofs(proofs, shown);
const linesOf = ({ lines }: Verdicts) => lines.map(({ verdict }) => verdict);

describe("the entries of a request", () => {
  it.each([
    [1, 1],
    [2, 1],
    [5, 5],
    [200, 7],
    [150, 150],
  ])("of %i requests are proven, number %i", async (requests, number) => {
    const verdicts = await verdictsOf(await given({ requests, number }));
    expect(linesOf(verdicts)).toEqual(["proved", "proved"]);
    expect(verdicts.checkpoint).toMatchObject({
      signature: "valid",
      signer: expect.stringMatching(/^[\w./-]+\+[0-9a-f]{8}$/),
    });
  });

  it("are not covered before the next checkpoint", async () => {
    expect(linesOf(await verdictsOf(await given({ signed: 2 })))).toEqual(["uncovered", "uncovered"]);
    const { proofs, shown } = await given({ requests: 1, signed: 0, number: 1 });
    expect(await checkProofs({ ...proofs, checkpoint: null }, shown)).toMatchObject({
      lines: [{ verdict: "uncovered" }, { verdict: "uncovered" }],
      checkpoint: undefined,
    });
  });

  type Lines = EntryProofs["lines"];
  const first = (change: (line: Lines[number]) => object) => (all: Given) => ({
    ...all,
    proofs: {
      ...all.proofs,
      lines: all.proofs.lines.map((line, at) => (at === 0 ? { ...line, ...change(line) } : line)),
    },
  });
  const note = (change: (text: string) => string) => (all: Given) => ({
    ...all,
    proofs: { ...all.proofs, checkpoint: change(all.proofs.checkpoint!) },
  });
  const flipped = (path: readonly string[]): string[] => [
    path[0]!.replace(/^./, (d) => (d === "0" ? "1" : "0")),
    ...path.slice(1),
  ];
  const shownAs = (change: object) => (all: Given) => ({
    ...all,
    shown: all.shown.map((entry, at) => (at === 0 ? { ...entry, ...change } : entry)),
  });

  it.each<[string, (all: Given) => Given, string]>([
    [
      "whose line says something else than the page",
      first(({ line }) => ({ line: line.replace("alpha-crm", "beta-crm0") })),
      "differs",
    ],
    ["that the page shows changed", shownAs({ client: "somebody" }), "differs"],
    ["that the page shows with one more member", shownAs({ more: null }), "differs"],
    ["whose line has another index", first(({ index }) => ({ index: index + 1 })), "differs"],
    [
      "whose line is another entry",
      (all) => ({ ...all, proofs: { ...all.proofs, lines: all.proofs.lines.toReversed() } }),
      "differs",
    ],
    ["without a line", (all) => ({ ...all, proofs: { ...all.proofs, lines: [] } }), "differs"],
    ["without a path", first(() => ({ path: null })), "pathless"],
    ["with a path that is too short", first(({ path }) => ({ path: path!.slice(1) })), "elsewhere"],
    ["with a path that is too long", first(({ path }) => ({ path: [...path!, path![0]!] })), "elsewhere"],
    ["with a path of another tree", first(({ path }) => ({ path: flipped(path!) })), "elsewhere"],
    ["with a path of no hashes", first(({ path }) => ({ path: path!.map(() => "zz") })), "elsewhere"],
    ["with an unreadable checkpoint", note((text) => text.replaceAll("—", "-")), "pathless"],
    [
      "of a checkpoint with another root, whose signature is void",
      note((text) => text.replace(/\n.(?=[^\n]{43}\n)/, "\nA")),
      "elsewhere",
    ],
    [
      "of a smaller tree",
      note((text) => text.replace(/\n(\d+)\n/, (_, size: string) => `\n${Number(size) - 1}\n`)),
      "unsigned",
    ],
  ])("%s are not proven", async (_which, change, verdict) => {
    const all = await given();
    expect(linesOf(await verdictsOf(all))[0]).toBe("proved");
    expect(linesOf(await verdictsOf(change(all)))[0]).toBe(verdict);
  });

  const spoilt = (text: string): string =>
    text.replace(/(— \S+ .{20})(.)/, (_, before: string, one: string) => before + (one === "A" ? "B" : "A"));

  it("prove nothing under a signature that is not valid, or of an unknown key", async () => {
    const all = await given();
    const bad = await verdictsOf(note(spoilt)(all));
    expect([linesOf(bad), bad.checkpoint]).toMatchObject([["unsigned", "unsigned"], { signature: "invalid" }]);
    const otherKey = await verdictsOf({ ...all, proofs: { ...all.proofs, keys: [] } });
    expect([linesOf(otherKey), otherKey.checkpoint]).toMatchObject([
      ["unsigned", "unsigned"],
      { signature: "unknown", signer: undefined },
    ]);
    const [key = ""] = all.proofs.keys;
    // A key whose id is not its own is no key.
    const renamed = await verdictsOf({ ...all, proofs: { ...all.proofs, keys: [key.replace(/.=?$/, "x")] } });
    expect(renamed.checkpoint).toMatchObject({ signature: "unknown" });
  });

  it("prove nothing where the browser has no Ed25519 to check the signature, which it says", async () => {
    const all = await given();
    vi.spyOn(crypto.subtle, "importKey").mockRejectedValue(new DOMException("Unrecognized name.", "NotSupportedError"));
    const verdicts = await verdictsOf(all);
    vi.restoreAllMocks();
    expect([linesOf(verdicts), verdicts.checkpoint]).toMatchObject([
      ["unchecked", "unchecked"],
      { signature: "unchecked" },
    ]);
  });

  it("cannot be checked where the browser has no cryptography", async () => {
    const all = await given();
    vi.stubGlobal("crypto", {});
    await expect(verdictsOf(all)).rejects.toThrow(NoCryptography);
  });
});
