/**
 * The revocations file in the journal's directory: one line of JSON for each decision, the last one on a thing counts. Lines are only ever
 * added, each with one write, so commands and a running gateway can both add them. `journalled` says that all above it is in the journal.
 */
import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Revocation, RevocationKind } from "../tenants/credential.ts";

const KINDS = ["token", "key", "certificate", "client"] as const satisfies readonly RevocationKind[];
const time = z.iso.datetime({ error: "expected a time in UTC, as in 2026-11-22T12:00:00Z" });
const kind = z.enum(KINDS);
const id = z.string({ error: "expected a text" }).min(1, { error: "expected a text that is not empty" }).max(256, { error: "expected 256 characters at most" });

/** `lifted`: it counts again from then on. */
const decisionSchema = z.strictObject({ kind, id, lifted: z.boolean().default(false), until: time.nullable().default(null) });
const lineSchema = z.union([z.strictObject({ at: time, ...decisionSchema.shape }), z.strictObject({ at: time, journalled: z.literal(true) })]);

export type Decision = Readonly<z.output<typeof decisionSchema>>;

export const revocationsFile = (auditDir: string): string => join(auditDir, "revocations.jsonl");

/** No token lives longer than a day, so its revocation needs not either. */
const TOKEN_MS = 25 * 3_600_000;

/** What somebody asks for; a text says what is wrong with it. */
export const readDecision = (value: unknown, now: number = Date.now()): Decision | string => {
  const { success, data, error } = decisionSchema.safeParse(value);
  if (!success) return error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`).join("; ");
  const strange = strangeId(data);
  if (strange !== undefined) return `id: expected ${strange}`;
  if (data.until !== null && Date.parse(data.until) <= now) return "until: expected a time to come";
  return data.kind === "token" && data.until === null && !data.lifted ? { ...data, until: new Date(now + TOKEN_MS).toISOString() } : data;
};

/** What no credential goes by would be written down as revoked, and the credential would go on. A key itself must not be written down at all. */
const strangeId = ({ kind: of, id: named }: Decision): string | undefined => {
  if (of === "certificate" && !/^[A-Za-z0-9_-]{43}$/.test(named)) return "the SHA-256 of a certificate's DER, in base64url without padding";
  return of === "key" && /^ocsgw_.{20}/.test(named) ? "a key's id, and not the key itself" : undefined;
};

export type RevocationsRead = { readonly standing: readonly Revocation[]; readonly unjournalled: readonly Decision[] };

/** Its message has nothing of the line. */
export class BrokenLine extends Error {}

/** Throws BrokenLine, with the line's number, for a line that is none. A last line without its end was never confirmed to anybody and says nothing. */
export const readRevocations = (text: string): RevocationsRead => {
  const standing = new Map<string, Revocation>();
  let unjournalled: Decision[] = [];
  for (const [at, line] of text.split("\n").slice(0, -1).entries()) {
    if (line === "") continue;
    const said = lineOf(line, at + 1);
    if ("journalled" in said) {
      unjournalled = [];
      continue;
    }
    unjournalled.push(said);
    if (said.lifted) standing.delete(`${said.kind} ${said.id}`);
    else standing.set(`${said.kind} ${said.id}`, standingOf(said));
  }
  return { standing: [...standing.values()], unjournalled };
};

export const standingOf = ({ kind: of, id: named, until }: Decision): Revocation => ({ kind: of, id: named, ...(until !== null && { until: Date.parse(until) }) });

const lineOf = (line: string, number: number): z.output<typeof lineSchema> => {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    throw new BrokenLine(`line ${number} of the revocations file is none: delete it, or put it right`);
  }
};

/** Resolves when it is on disk. */
export const addDecision = (file: string, decision: Decision): Promise<void> => add(file, decision);
export const addJournalled = (file: string): Promise<void> => add(file, { journalled: true });

const add = async (file: string, said: object): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const bytes = await handle.readFile();
    const whole = bytes.lastIndexOf("\n") + 1;
    // What a crash left without its end must not become the beginning of this line.
    if (whole < bytes.length) await handle.truncate(whole);
    await handle.appendFile(`${JSON.stringify({ at: new Date().toISOString(), ...said })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
};
