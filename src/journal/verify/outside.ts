/**
 * Verifies what third parties signed: cosignatures of witnesses (`<size>.cosigned`) and timestamps (`<size>.tsr`)
 * beside the checkpoints. An invalid one is a finding if its key is known; a missing or uncheckable one is a note.
 */
import type { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { cosignaturesIn, readWitnessKeys, type WitnessKey } from "./bundle/cosignature.mjs";
import type { KeptCheckpoint } from "./checkpoints.ts";
import type { Finding, OutsideReport, TimestampRow, WitnessRow } from "./report.ts";
import { checkSignatures, readClaim, splitNote, type VerifierKey } from "./signatures.ts";
import { isAbsent, namesIn, readSmall, readSmallBytes } from "./small-file.ts";
import { authoritiesIn, imprintOf, readTimestamp, TimestampFault } from "./bundle/timestamp.mjs";

export type OutsideOptions = {
  /** Verifier keys of witnesses, one per line. */
  readonly witnesses?: string | undefined;
  /** How many witnesses must have cosigned. Default: 1. */
  readonly quorum?: number | undefined;
  /** Without enough cosignatures the verdict is "cannot tell". */
  readonly requireWitnesses?: boolean | undefined;
  /** Certificates, PEM, one of which must be at the end of a timestamp's chain. */
  readonly authorities?: string | undefined;
};

export type OutsideResult = OutsideReport & {
  /** The cosigned notes; the lines must match them too. */
  readonly elsewhere: readonly KeptCheckpoint[];
  readonly findings: readonly Finding[];
  readonly missing: readonly string[];
  readonly notes: readonly string[];
  readonly isRequired: boolean;
  /** When enough witnesses had cosigned the covered entries (RFC 3339); null if too few of them state a time. */
  readonly cosignedAt: string | null;
};

const COSIGNED = /^(\d{12})\.cosigned$/;
const TIMESTAMP = /^(\d{12})\.tsr$/;
const CHECKPOINT = /^\d{12}$/;
/** How many checkpoints may follow the last one with enough cosignatures: witnesses need some time. */
const BEHIND = 3;
/**
 * How much older than the newest entry that checkpoint may be: three checkpoints of a gateway that signs every 8 hours.
 */
const MOST_BEHIND_MS = 24 * 3_600_000;

/** Throws when a given key or certificate cannot be read. `log`: the keys that sign the checkpoints. */
export const checkOutsideEvidence = async (
  dir: string,
  log: readonly VerifierKey[],
  options: OutsideOptions,
): Promise<OutsideResult> => {
  const keys = readWitnessKeys(options.witnesses ?? "");
  const authorities = options.authorities === undefined ? undefined : authoritiesIn(options.authorities);
  const folder = join(dir, "checkpoints");
  const names = (await namesIn(folder)).toSorted();
  const cosigned = await judgeCosigned(folder, names, { keys, log });
  const stamped = await judgeTimestamps(folder, names, authorities);
  const { quorum = 1, requireWitnesses = false } = options;
  const size = coveredBy(cosigned.rows, quorum);
  const sizes = names.filter((name) => CHECKPOINT.test(name)).map(Number);
  const isMet = size > 0 && sizes.filter((each) => each > size).length <= BEHIND;
  return {
    witnesses: { rows: cosigned.rows, quorum: keys.length > 0 ? quorum : null, isMet, size, unknown: cosigned.unknown },
    timestamps: stamped.timestamps,
    elsewhere: cosigned.elsewhere,
    findings: [...cosigned.findings, ...stamped.findings],
    missing: requireWitnesses && !isMet ? [unmet({ keys, quorum, size, last: sizes.at(-1) ?? 0 })] : [],
    notes: [...cosigned.notes, ...stamped.notes],
    isRequired: requireWitnesses,
    cosignedAt: timeOf(cosigned.rows, { quorum, size }),
  };
};

const timeOf = (rows: readonly WitnessRow[], { quorum, size }: { readonly quorum: number; readonly size: number }) =>
  rows
    .flatMap(({ size: own, time }) => (own >= size && time !== null ? [time] : []))
    .toSorted()
    .at(-quorum) ?? null;

/**
 * Checks that the cosignatures are recent. Checkpoints may have been deleted, so their number alone does not show how
 * many entries follow. `newest`: the latest time of a line, RFC 3339; empty if no line was read.
 */
export const checkCosignatureAge = (outside: OutsideResult, newest: string): OutsideResult => {
  const { cosignedAt, witnesses, missing, isRequired } = outside;
  const isLate = cosignedAt !== null && Date.parse(newest) - Date.parse(cosignedAt) > MOST_BEHIND_MS;
  if (!witnesses.isMet || !isLate) return outside;
  const text =
    `enough witnesses cosigned the first ${witnesses.size} entries at ${cosignedAt}, but later entries reach ` +
    `until ${newest}: no witness has seen more than a day of entries`;
  return {
    ...outside,
    witnesses: { ...witnesses, isMet: false },
    missing: isRequired ? [...missing, text] : missing,
  };
};

/** How many entries at least `quorum` witnesses have cosigned. */
const coveredBy = (rows: readonly WitnessRow[], quorum: number): number =>
  rows.map(({ size }) => size).toSorted((one, other) => other - one)[quorum - 1] ?? 0;

type Unmet = {
  readonly keys: readonly WitnessKey[];
  readonly quorum: number;
  readonly size: number;
  readonly last: number;
};

const unmet = ({ keys, quorum, size, last }: Unmet): string => {
  if (keys.length === 0) return "witnesses are required, but no witness key was given (--witness)";
  if (keys.length < quorum) return `${quorum} witnesses are required, but only ${keys.length} keys were given`;
  const required = `${quorum} ${quorum === 1 ? "witness is" : "witnesses are"} required`;
  const cosigned = size === 0 ? "no checkpoint has enough cosignatures" : `only the first ${size} entries have enough`;
  return `${required}, but ${cosigned}; the last checkpoint covers ${last} entries`;
};

type Cosigned = Pick<OutsideResult, "elsewhere" | "findings" | "notes"> & {
  readonly rows: readonly WitnessRow[];
  readonly unknown: readonly string[];
};
type KnownKeys = { readonly keys: readonly WitnessKey[]; readonly log: readonly VerifierKey[] };

const judgeCosigned = async (folder: string, names: readonly string[], { keys, log }: KnownKeys): Promise<Cosigned> => {
  const rows = new Map<string, WitnessRow>(
    keys.map(({ name, id }) => [`${name}+${id}`, { witness: `${name}+${id}`, size: 0, time: null, unchecked: 0 }]),
  );
  const [elsewhere, findings, unknown]: [KeptCheckpoint[], Finding[], Set<string>] = [[], [], new Set()];
  const say = (text: string): unknown => findings.push({ kind: "cosignature", text });
  for (const name of names.filter((each) => COSIGNED.test(each))) {
    const note = await readIfSmall(join(folder, name));
    const split = splitNote(note);
    const claim = split && readClaim(split.text);
    if (!split || claim?.size !== Number.parseInt(name, 10)) {
      say(`${name}: is no cosigned checkpoint of that size, so its file was changed`);
      continue;
    }
    const signed = checkSignatures(split, log);
    if (signed.kind === "forged" || signed.kind === "other-key")
      say(`${name}: its checkpoint is not signed by the journal's key, so it was changed`);
    elsewhere.push({ name: `the cosigned note ${name}`, note });
    const { rows: said, unknownKeys } = cosignaturesIn(note, keys, (signature) => signature.name === claim.origin);
    for (const { name: witness, id, verdict, time } of said) {
      const key = `${witness}+${id}`;
      const row = rows.get(key)!;
      if (verdict === "invalid")
        say(`${name}: the cosignature of witness ${key} does not verify: it or the checkpoint was changed`);
      else if (verdict === "unchecked") rows.set(key, { ...row, unchecked: row.unchecked + 1 });
      else if (signed.kind === "signed" && signed.by.name === claim.origin && claim.size >= row.size)
        rows.set(key, { ...row, size: claim.size, time: time === 0 ? null : new Date(time * 1000).toISOString() });
    }
    for (const each of unknownKeys) unknown.add(each);
  }
  return {
    rows: [...rows.values()],
    unknown: [...unknown],
    elsewhere,
    findings,
    notes: notesOf([...rows.values()], [...unknown]),
  };
};

const readIfSmall = async (path: string): Promise<string> => {
  try {
    return await readSmall(path);
  } catch (error) {
    if (error instanceof Error && "code" in error) throw error;
    return "";
  }
};

const notesOf = (rows: readonly WitnessRow[], unknown: readonly string[]): string[] => [
  ...rows
    .filter(({ size, unchecked }) => size === 0 && unchecked === 0)
    .map(({ witness }) => `no checkpoint here is cosigned by witness ${witness}`),
  ...rows
    .filter(({ unchecked }) => unchecked > 0)
    .map(
      ({ witness, unchecked }) =>
        `${unchecked} cosignatures of witness ${witness} are by ML-DSA-44 and cannot be checked here: Node ` +
        `${process.versions.node} does not have it`,
    ),
  ...(unknown.length > 0
    ? [`cosignatures by ${unknown.join(", ")} were not checked: their keys were not given (--witness)`]
    : []),
];

type Stamped = Pick<OutsideResult, "timestamps" | "findings" | "notes">;

const judgeTimestamps = async (
  folder: string,
  names: readonly string[],
  authorities: readonly X509Certificate[] | undefined,
): Promise<Stamped> => {
  const [findings, notes]: [Finding[], string[]] = [[], []];
  const rows: TimestampRow[] = [];
  for (const name of names.filter((each) => TIMESTAMP.test(each))) {
    const text = await readCheckpointFile(join(folder, name.slice(0, 12)));
    if (!text) {
      notes.push(`${name} is a timestamp of a checkpoint that is not here`);
      continue;
    }
    try {
      const token = await readToken(join(folder, name));
      const { time, signer, isTrusted } = readTimestamp(token, { imprint: imprintOf(text), authorities });
      rows.push({ size: Number.parseInt(name, 10), time: new Date(time).toISOString(), signer, isTrusted });
    } catch (error) {
      if (!(error instanceof TimestampFault)) throw error;
      if (error.kind === "untrusted") notes.push(`${name} does not count: ${error.message}`);
      else
        findings.push({
          kind: "timestamp",
          text: `${name} is not a timestamp of checkpoint ${Number.parseInt(name, 10)}: ${error.message}`,
        });
    }
  }
  if (rows.length > 0 && authorities === undefined)
    notes.push("the authority that signed the timestamps was not checked: no certificate was given (--timestamp-ca)");
  return { timestamps: { found: rows.length, first: rows[0] ?? null, last: rows.at(-1) ?? null }, findings, notes };
};

/** Throws TimestampFault unless it is a small regular file. */
const readToken = async (path: string): Promise<Buffer> => {
  try {
    return await readSmallBytes(path);
  } catch (error) {
    if (error instanceof Error && "code" in error) throw error;
    throw new TimestampFault("broken", "it is not a small regular file");
  }
};

/** Undefined unless it is a small regular file; the check of the checkpoint reports that. */
const readCheckpointFile = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readSmallBytes(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && !isAbsent(error)) throw error;
    return undefined;
  }
};
