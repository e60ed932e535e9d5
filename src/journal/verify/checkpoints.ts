/** The checkpoints of a directory: which are signed, by whom, and what is wrong with those that are not. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "./report.ts";
import { checkSignatures, readClaim, readVerifierKeys, splitNote, type Claim, type Signed, type VerifierKey } from "./signatures.ts";

export type Keys = { readonly from: "given" | "directory" | "none"; readonly keys: readonly VerifierKey[] };

export type Judged = {
  readonly found: number;
  /** What can be held against the lines, ascending by size: what is signed, or, when there is no key at all, whatever is said. */
  readonly anchors: readonly Claim[];
  readonly signed: number;
  readonly findings: readonly Finding[];
  /** Names in which the checkpoints are signed, when none is signed by a key that we know. */
  readonly strangers: readonly string[];
};

/** The key that was given, else the directory's own. Throws when a given key cannot be read. */
export const loadKeys = async (dir: string, given: string | undefined): Promise<Keys> => {
  if (given !== undefined) return { from: "given", keys: readVerifierKeys(given) };
  try {
    const keys = readVerifierKeys(await readFile(join(dir, "checkpoint.pub"), "utf8"));
    return keys.length > 0 ? { from: "directory", keys } : { from: "none", keys };
  } catch {
    return { from: "none", keys: [] };
  }
};

export const judgeCheckpoints = async (dir: string, { keys }: Keys): Promise<Judged> => {
  const names = (await readdir(join(dir, "checkpoints")).catch(() => [])).filter((name) => /^\d{12}$/.test(name)).toSorted();
  const judged: Judgement[] = [];
  for (const name of names) judged.push(judge(name, await readFile(join(dir, "checkpoints", name), "utf8"), keys));
  const signed = judged.filter(({ kind }) => kind === "signed").length;
  const strangers = judged.filter(({ kind }) => kind === "stranger");
  return {
    found: names.length,
    anchors: judged.filter(({ kind }) => kind === "signed" || keys.length === 0).flatMap(({ claim }) => claim ?? []),
    signed,
    // One among our own was put there; if all are another's, it is we who have the wrong key.
    findings: judged.filter(({ kind }) => kind === "bad" || (kind === "stranger" && signed > 0)).map(({ text }) => ({ kind: "checkpoint", text })),
    strangers: signed > 0 ? [] : strangers.map(({ text }) => text),
  };
};

type Judgement = { readonly kind: "signed" | "bad" | "stranger"; readonly claim?: Claim; readonly text: string };

const judge = (name: string, text: string, keys: readonly VerifierKey[]): Judgement => {
  const bad = (why: string): Judgement => ({ kind: "bad", text: `checkpoint ${name}: ${why}` });
  const note = splitNote(text);
  const claim = note && readClaim(note.text);
  if (!note || !claim) return bad("is no signed checkpoint, so its file was changed");
  if (claim.size !== Number(name)) return bad(`says that it covers ${claim.size} entries, so it was changed or renamed`);
  const signature = checkSignatures(note, keys);
  return signature.kind === "signed" && signature.by.name !== claim.origin
    ? bad(`is the checkpoint of ${claim.origin} and signed by the key of ${signature.by.name}`)
    : judgeSignature(signature, { claim, bad, name, keys });
};

type Context = { readonly claim: Claim; readonly name: string; readonly keys: readonly VerifierKey[]; readonly bad: (why: string) => Judgement };

const judgeSignature = (signature: Signed, { claim, name, keys, bad }: Context): Judgement => {
  switch (signature.kind) {
    case "signed":
      return { kind: "signed", claim, text: "" };
    case "forged":
      return bad(`its signature is not that of ${signature.by.name}+${signature.by.id}: the text or the signature was changed after signing`);
    case "other-key": {
      const known = keys.filter((key) => key.name === signature.name).map((key) => key.id).join(" or ");
      return bad(`was signed again: in the name of ${signature.name} by key ${signature.id}, and not by ${known}. If the gateway's key was replaced, give both`);
    }
    case "unknown":
      return { kind: "stranger", claim, text: `checkpoint ${name} is signed by ${signature.names.join(", ")} and not by ${keys.map((key) => key.name).join(", ") || "a known key"}` };
  }
};
