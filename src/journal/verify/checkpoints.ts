/** The signed checkpoints: those of the directory and those that were kept elsewhere. Which count, and what is wrong with the others. */
import { join } from "node:path";
import type { Finding } from "./report.ts";
import {
  checkSignatures,
  readClaim,
  readVerifierKeys,
  splitNote,
  type Claim,
  type Signed,
  type VerifierKey,
} from "./signatures.ts";
import { isAbsent, namesIn, readSmall } from "./small-file.ts";

/** `given` and `config`: the keys come from outside the directory, so a signature by one of them proves something. */
export type KeySource = "given" | "config" | "directory" | "none";

export type Keys = {
  readonly from: KeySource;
  /** Those that are trusted; the directory's own when none were given. */
  readonly keys: readonly VerifierKey[];
  /** Keys that only the directory names, beside the config's: what they signed must be true as well, but proves nothing. */
  readonly former: readonly VerifierKey[];
};

/** A checkpoint that was kept outside the directory. */
export type Elsewhere = {
  readonly name: string;
  readonly note: string;
  /** Somebody asked for this one: when it does not count, nothing is said to be fine. */
  readonly isAskedFor?: boolean;
};

export type Judged = {
  readonly found: number;
  /** What can be held against the lines, ascending by size: what is signed, or, when there is no key at all, whatever is said. */
  readonly anchors: readonly Claim[];
  readonly signed: number;
  readonly findings: readonly Finding[];
  /** Names in which the checkpoints are signed, when none is signed by a key that we know. */
  readonly strangers: readonly string[];
  readonly notes: readonly string[];
  /** What was asked for and cannot be told. */
  readonly missing: readonly string[];
};

export type KeyOptions = {
  /** Verifier keys, one to a line. */
  readonly vkey?: string | undefined;
  /** The key of the config, which counts when none is given. */
  readonly own?: string | undefined;
};

/** The key that was given, else the config's, else the directory's own. Throws when a given key cannot be read. */
export const loadKeys = async (dir: string, { vkey, own }: KeyOptions): Promise<Keys> => {
  if (vkey !== undefined) {
    const keys = readVerifierKeys(vkey);
    if (keys.length === 0)
      throw new Error("expected a verifier key, found none: the file or text that was given is empty");
    return { from: "given", keys, former: [] };
  }
  const beside = await keysBeside(dir);
  if (own !== undefined) {
    const keys = readVerifierKeys(own);
    return {
      from: "config",
      keys,
      former: beside.filter(({ name, id }) => !keys.some((key) => key.name === name && key.id === id)),
    };
  }
  return { from: beside.length > 0 ? "directory" : "none", keys: beside, former: [] };
};

/** None when there is no such file, or what is in it is no list of keys. */
const keysBeside = async (dir: string): Promise<readonly VerifierKey[]> => {
  try {
    return readVerifierKeys(await readSmall(join(dir, "checkpoint.pub")));
  } catch (error) {
    // Whether a file that is there may be read is no question of what was signed.
    if (error instanceof Error && "code" in error && !isAbsent(error)) throw error;
    return [];
  }
};

export const judgeCheckpoints = async (
  dir: string,
  keys: Keys,
  elsewhere: readonly Elsewhere[] = [],
): Promise<Judged> => {
  const names = (await namesIn(join(dir, "checkpoints"))).filter((name) => /^\d{12}$/.test(name)).toSorted();
  const judged: Judgement[] = [];
  for (const name of names) judged.push(judge(name, await readNote(join(dir, "checkpoints", name)), keys));
  const signed = judged.filter(({ kind }) => kind === "signed").length;
  const strangers = judged.filter(({ kind }) => kind === "stranger");
  const own = judged
    .filter(({ kind }) => kind === "signed" || kind === "former" || keys.keys.length === 0)
    .flatMap(({ claim }) => claim ?? []);
  const kept = judgeElsewhere(elsewhere, keys, own);
  return {
    found: names.length,
    anchors: [...own, ...kept.claims].toSorted((one, other) => one.size - other.size),
    signed,
    findings: [
      // One among our own was put there; if all are another's, it is we who have the wrong key.
      ...judged
        .filter(({ kind }) => kind === "bad" || (kind === "stranger" && signed > 0))
        .map(({ text }): Finding => ({ kind: "checkpoint", text })),
      ...kept.findings,
    ],
    strangers: signed > 0 ? [] : strangers.map(({ text }) => text),
    notes: [...formerNotes(judged, keys), ...kept.notes],
    missing: kept.missing,
  };
};

const readNote = async (path: string): Promise<string> => {
  try {
    return await readSmall(path);
  } catch (error) {
    // A file that may not be read tells nothing; anything else than a small file was not written by the gateway.
    if (error instanceof Error && "code" in error) throw error;
    return "";
  }
};

const formerNotes = (judged: readonly Judgement[], { former }: Keys): string[] => {
  const last = judged.findLast(({ kind }) => kind === "former");
  if (!last?.claim) return [];
  const ids = former.map(({ name, id }) => `${name}+${id}`).join(", ");
  return [
    `checkpoints up to ${last.claim.size} are signed by ${ids}, which only the directory names: if the gateway's key was replaced, give both keys with --key`,
  ];
};

type Kept = {
  readonly claims: readonly Claim[];
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly missing: readonly string[];
};

/** Of what others can write, only what a known key signed counts. */
const judgeElsewhere = (elsewhere: readonly Elsewhere[], keys: Keys, own: readonly Claim[]): Kept => {
  const ignored = new Map<string, number>();
  const held = new Map<string, Claim[]>();
  const missing: string[] = [];
  for (const { name, note, isAskedFor } of elsewhere) {
    const claim = signedClaim(note, keys);
    if (claim)
      held.set(name, [
        ...(claim.restored ? [] : (held.get(name) ?? [])),
        { ...claim, name: `checkpoint ${claim.size} in ${name}` },
      ]);
    else if (isAskedFor)
      missing.push(`${name} is no checkpoint that a known key signed, so the lines were not held against it`);
    else ignored.set(name, (ignored.get(name) ?? 0) + 1);
  }
  const notes = [...ignored].map(
    ([name, count]) =>
      `${name} holds ${count} ${count === 1 ? "note" : "notes"} without a valid signature of a known key: they do not count`,
  );
  return { ...compared([...held.values()].flat(), own), notes, missing };
};

const compared = (held: readonly Claim[], own: readonly Claim[]): Pick<Kept, "claims" | "findings"> => {
  const known = new Map(own.map((claim) => [claim.size, claim]));
  const findings: Finding[] = [];
  const claims = held.filter((claim) => {
    const same = known.get(claim.size);
    if (same && same.root !== claim.root)
      findings.push({
        kind: "checkpoint",
        text: `${nameOf(claim)} has another root than ${nameOf(same)}: both are signed, and only one can be of these lines`,
      });
    if (!same) known.set(claim.size, claim);
    return same?.root !== claim.root || (claim.trusted && !same.trusted);
  });
  return { claims, findings };
};

/** Undefined when it is no checkpoint that one of the keys signed for its origin. */
const signedClaim = (text: string, { keys, former }: Keys): Claim | undefined => {
  const note = splitNote(text);
  const claim = note && readClaim(note.text);
  const signature = note && checkSignatures(note, [...keys, ...former]);
  return claim && signature?.kind === "signed" && signature.by.name === claim.origin
    ? { ...claim, trusted: keys.includes(signature.by) }
    : undefined;
};

/** How a checkpoint is called in a sentence. */
export const nameOf = ({ name, size }: Claim): string => name ?? `checkpoint ${size}`;

type Judgement = {
  readonly kind: "signed" | "former" | "bad" | "stranger";
  readonly claim?: Claim;
  readonly text: string;
};

const judge = (name: string, text: string, keys: Keys): Judgement => {
  const bad = (why: string): Judgement => ({ kind: "bad", text: `checkpoint ${name}: ${why}` });
  const note = splitNote(text);
  const claim = note && readClaim(note.text);
  if (!note || !claim) return bad("is no signed checkpoint, so its file was changed");
  if (claim.size !== Number(name))
    return bad(`says that it covers ${claim.size} entries, so it was changed or renamed`);
  const signature = checkSignatures(note, [...keys.keys, ...keys.former]);
  return signature.kind === "signed" && signature.by.name !== claim.origin
    ? bad(`is the checkpoint of ${claim.origin} and signed by the key of ${signature.by.name}`)
    : judgeSignature(signature, { claim, bad, name, keys });
};

type Context = {
  readonly claim: Claim;
  readonly name: string;
  readonly keys: Keys;
  readonly bad: (why: string) => Judgement;
};

const judgeSignature = (signature: Signed, { claim, name, keys: { keys }, bad }: Context): Judgement => {
  switch (signature.kind) {
    case "signed": {
      const trusted = keys.includes(signature.by);
      return { kind: trusted ? "signed" : "former", claim: { ...claim, trusted }, text: "" };
    }
    case "forged":
      return bad(
        `its signature is not that of ${signature.by.name}+${signature.by.id}: the text or the signature was changed after signing`,
      );
    case "other-key": {
      const known = keys
        .filter((key) => key.name === signature.name)
        .map((key) => key.id)
        .join(" or ");
      return bad(
        `was signed again: in the name of ${signature.name} by key ${signature.id}, and not by ${known}. If the gateway's key was replaced, give both`,
      );
    }
    case "unknown":
      return {
        kind: "stranger",
        claim,
        text: `checkpoint ${name} is signed by ${signature.names.join(", ")} and not by ${keys.map((key) => key.name).join(", ") || "a known key"}`,
      };
  }
};
