/**
 * Checks the checkpoints in the directory and those kept elsewhere: which are signed, and what is wrong with the
 * others.
 */
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

/** A signature proves something only by a key from outside the directory (`given`, `config`). */
export type KeySource = "given" | "config" | "directory" | "none";

export type Keys = {
  readonly from: KeySource;
  /** The trusted keys; the directory's own if none were given. */
  readonly keys: readonly VerifierKey[];
  /** Keys that only the directory names, beside the config's. Their checkpoints must match too, but prove nothing. */
  readonly former: readonly VerifierKey[];
};

/** A checkpoint that was kept outside the directory. */
export type KeptCheckpoint = {
  readonly name: string;
  readonly note: string;
  /** The user asked for this one: if it is not valid, the verdict is not "ok". */
  readonly isAskedFor?: boolean;
};

export type CheckpointResult = {
  readonly found: number;
  /** Checkpoints that the lines must match, ascending by size: the signed ones, or all if there is no key at all. */
  readonly anchors: readonly Claim[];
  readonly signed: number;
  readonly findings: readonly Finding[];
  /** Sentences about the signers, if no checkpoint is signed by a known key. */
  readonly unknownSigners: readonly string[];
  readonly notes: readonly string[];
  /** Sentences about evidence that the user asked for and that cannot be checked. */
  readonly missing: readonly string[];
};

export type KeyOptions = {
  /** Verifier keys, one per line. */
  readonly vkey?: string | undefined;
  /** The key of the config, used if none is given. */
  readonly own?: string | undefined;
};

/** The given keys, else the config's, else the directory's own. Throws when the given keys cannot be read. */
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

/** Empty if there is no such file, or it is not a list of keys. */
const keysBeside = async (dir: string): Promise<readonly VerifierKey[]> => {
  try {
    return readVerifierKeys(await readSmall(join(dir, "checkpoint.pub")));
  } catch (error) {
    // A file that exists but cannot be read is an error, and says nothing about signatures.
    if (error instanceof Error && "code" in error && !isAbsent(error)) throw error;
    return [];
  }
};

export const checkCheckpoints = async (
  dir: string,
  keys: Keys,
  elsewhere: readonly KeptCheckpoint[] = [],
): Promise<CheckpointResult> => {
  const names = (await namesIn(join(dir, "checkpoints"))).filter((name) => /^\d{12}$/.test(name)).toSorted();
  const judged: CheckpointVerdict[] = [];
  for (const name of names) judged.push(judge(name, await readNote(join(dir, "checkpoints", name)), keys));
  const signed = judged.filter(({ kind }) => kind === "signed").length;
  const unknownSigners = judged.filter(({ kind }) => kind === "unknown-signer");
  const own = judged
    .filter(({ kind }) => kind === "signed" || kind === "former" || keys.keys.length === 0)
    .flatMap(({ claim }) => claim ?? []);
  const kept = checkKept(elsewhere, keys, own);
  return {
    found: names.length,
    anchors: [...own, ...kept.claims].toSorted((one, other) => one.size - other.size),
    signed,
    findings: [
      // A checkpoint by an unknown signer among signed ones was added; if all are by one, the wrong key was given.
      ...judged
        .filter(({ kind }) => kind === "bad" || (kind === "unknown-signer" && signed > 0))
        .map(({ text }): Finding => ({ kind: "checkpoint", text })),
      ...kept.findings,
    ],
    unknownSigners: signed > 0 ? [] : unknownSigners.map(({ text }) => text),
    notes: [...formerNotes(judged, keys), ...kept.notes],
    missing: kept.missing,
  };
};

const readNote = async (path: string): Promise<string> => {
  try {
    return await readSmall(path);
  } catch (error) {
    // A file that cannot be read is an error; anything but a small regular file was not written by the gateway.
    if (error instanceof Error && "code" in error) throw error;
    return "";
  }
};

const formerNotes = (judged: readonly CheckpointVerdict[], { former }: Keys): string[] => {
  const last = judged.findLast(({ kind }) => kind === "former");
  if (!last?.claim) return [];
  const ids = former.map(({ name, id }) => `${name}+${id}`).join(", ");
  return [
    `checkpoints up to ${last.claim.size} are signed by ${ids}, which only this directory names; if the ` +
      "gateway's key was replaced, give both keys with --key",
  ];
};

type KeptResult = {
  readonly claims: readonly Claim[];
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly missing: readonly string[];
};

/** Others can write to these places, so only checkpoints with a valid signature by a known key count. */
const checkKept = (elsewhere: readonly KeptCheckpoint[], keys: Keys, own: readonly Claim[]): KeptResult => {
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
      missing.push(`${name} has no valid signature by a known key, so the lines were not compared with it`);
    else ignored.set(name, (ignored.get(name) ?? 0) + 1);
  }
  const notes = [...ignored].map(
    ([name, count]) =>
      `${name} contains ${count} ${count === 1 ? "note" : "notes"} without a valid signature by a known key; ` +
      "they are ignored",
  );
  return { ...compared([...held.values()].flat(), own), notes, missing };
};

const compared = (held: readonly Claim[], own: readonly Claim[]): Pick<KeptResult, "claims" | "findings"> => {
  const known = new Map(own.map((claim) => [claim.size, claim]));
  const findings: Finding[] = [];
  const claims = held.filter((claim) => {
    const same = known.get(claim.size);
    if (same && same.root !== claim.root)
      findings.push({
        kind: "checkpoint",
        text:
          `${nameOf(claim)} has another root than ${nameOf(same)}: both are signed, but only one can match these ` +
          "lines",
      });
    if (!same) known.set(claim.size, claim);
    return same?.root !== claim.root || (claim.trusted && !same.trusted);
  });
  return { claims, findings };
};

/** Undefined unless one of the keys signed the checkpoint for its origin. */
const signedClaim = (text: string, { keys, former }: Keys): Claim | undefined => {
  const note = splitNote(text);
  const claim = note && readClaim(note.text);
  const signature = note && checkSignatures(note, [...keys, ...former]);
  return claim && signature?.kind === "signed" && signature.by.name === claim.origin
    ? { ...claim, trusted: keys.includes(signature.by) }
    : undefined;
};

/** The name of a checkpoint for sentences. */
export const nameOf = ({ name, size }: Claim): string => name ?? `checkpoint ${size}`;

type CheckpointVerdict = {
  readonly kind: "signed" | "former" | "bad" | "unknown-signer";
  readonly claim?: Claim;
  readonly text: string;
};

const judge = (name: string, text: string, keys: Keys): CheckpointVerdict => {
  const bad = (why: string): CheckpointVerdict => ({ kind: "bad", text: `checkpoint ${name}: ${why}` });
  const note = splitNote(text);
  const claim = note && readClaim(note.text);
  if (!note || !claim) return bad("is not a signed checkpoint, so its file was changed");
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
  readonly bad: (why: string) => CheckpointVerdict;
};

const judgeSignature = (signature: Signed, { claim, name, keys: { keys }, bad }: Context): CheckpointVerdict => {
  switch (signature.kind) {
    case "signed": {
      const trusted = keys.includes(signature.by);
      return { kind: trusted ? "signed" : "former", claim: { ...claim, trusted }, text: "" };
    }
    case "forged":
      return bad(
        `its signature is not that of ${signature.by.name}+${signature.by.id}: the text or the signature was ` +
          "changed after signing",
      );
    case "other-key": {
      const known = keys
        .filter((key) => key.name === signature.name)
        .map((key) => key.id)
        .join(" or ");
      return bad(
        `was signed in the name of ${signature.name} by another key, ${signature.id} instead of ${known}. If ` +
          "the gateway's key was replaced, give both keys",
      );
    }
    case "unknown":
      return {
        kind: "unknown-signer",
        claim,
        text:
          `checkpoint ${name} is signed by ${signature.names.join(", ")} and not by ` +
          `${keys.map((key) => key.name).join(", ") || "a known key"}`,
      };
  }
};
