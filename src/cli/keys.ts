/** `ocsgw keys create | list | revoke`: the keys themselves are shown once and kept nowhere. */
import { stat } from "node:fs/promises";
import { clientsIn } from "../settings/clients.ts";
import { nearest } from "../settings/nearest.ts";
import { addKey, isLive, KeysFileError, readKeys, revokeKey, type KeyRecord } from "../settings/keys-file.ts";
import { deliver, isDiscarded } from "./output.ts";
import { createKey } from "../settings/key.ts";
import { loadSettings } from "../settings/load.ts";
import type { Problem } from "../settings/problem.ts";
import type { Settings } from "../settings/schema.ts";
import { DURATION_EXPECTED, parseDuration } from "../settings/units.ts";
import { readSmallFile } from "../small-file.ts";
import { reason } from "../system-error.ts";

type Writer = { readonly write: (text: string) => unknown };
export type Host = { readonly stdout: Writer; readonly stderr: Writer; readonly env: Readonly<Record<string, string | undefined>> };

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;
const NOT_VALID = 3;
/** The last moment that a keys file can say. */
const LATEST = Date.parse("9999-12-31T23:59:59Z");

/** Ends a command with an exit code and what to say on stderr. */
class Stop extends Error {
  readonly exit: number;
  constructor(exit: number, message: string) {
    super(message);
    this.exit = exit;
  }
}

/** Resolves to the exit code. The key goes to stdout, alone on its line; all else to stderr. */
export const keysCreate = ({ config, client, expires, tenant }: { readonly config: string; readonly client: string; readonly expires?: string; readonly tenant?: readonly string[] }, host: Host = process): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await keysOf(config, host);
    mustStand(client, settings);
    for (const each of tenant ?? []) mustHave(each, client, settings);
    const lifetime = expires === undefined ? undefined : parseDuration(expires);
    if (expires !== undefined && !lifetime) throw new Stop(WRONG_USAGE, `--expires: expected ${DURATION_EXPECTED}, found ${expires}`);
    const created = Date.now();
    if (lifetime && created + lifetime > LATEST) throw new Stop(WRONG_USAGE, `--expires: ${expires} is later than the year 9999; left out, the key has no end`);
    if (host === process && isDiscarded(1)) throw new Stop(FAILED, "no key was made: stdout is closed or leads to /dev/null, so nobody would see it");
    const { id, key, hash } = createKey();
    // A key that nobody has seen must not be in force.
    await deliver(host.stdout, `${key}\n`).catch((error: unknown) => { throw new Stop(FAILED, `no key was made: it could not be written to stdout: ${reason(error)}`); });
    await addKey(file, { id, client, hash, created, expires: lifetime ? created + lifetime : null, tenants: tenant ?? null }, await stat(settings.audit.dir).catch(() => undefined)).catch((error: unknown) => {
      throw error instanceof KeysFileError ? new KeysFileError(`the key that was printed is not in force: ${error.message}`, error.problems) : error;
    });
    host.stderr.write(`key ${id} of ${client}, ${lifetime ? `until ${day(created + lifetime)}` : "without an end"}. It is not shown again; ${file} holds its hash.\n`);
  });

export const keysList = ({ config, json = false }: { readonly config: string; readonly json?: boolean }, host: Host = process): Promise<number> =>
  command(host, async () => {
    const { file } = await keysOf(config, host);
    const read = readKeys(await textOf(file), file);
    if (!read.ok) throw new KeysFileError(`${file} is not valid`, read.problems);
    host.stdout.write(json ? `${JSON.stringify(read.keys.map(row), null, 2)}\n` : table(read.keys.map(row)));
  });

export const keysRevoke = ({ config, id }: { readonly config: string; readonly id: string }, host: Host = process): Promise<number> =>
  command(host, async () => {
    const { file } = await keysOf(config, host);
    const { client, revoked } = await revokeKey(file, id);
    host.stderr.write(revoked === null ? `key ${id} of ${client} is revoked\n` : `key ${id} of ${client} was revoked already, on ${day(revoked)}\n`);
  });

const command = async (host: Host, run: () => Promise<void>): Promise<number> => {
  try {
    await run();
    return DONE;
  } catch (error) {
    if (error instanceof Stop) {
      host.stderr.write(`${error.message}\n`);
      return error.exit;
    }
    if (!(error instanceof KeysFileError)) throw error;
    host.stderr.write(`${[error.message, ...error.problems.map(line)].join("\n")}\n`);
    return error.problems.length > 0 ? NOT_VALID : FAILED;
  }
};

const keysOf = async (config: string, { env }: Host): Promise<{ readonly settings: Settings; readonly file: string }> => {
  const loaded = await loadSettings(config, env);
  if (!loaded.ok) throw new Stop(NOT_VALID, [`${config} is not valid`, ...loaded.problems.filter(({ severity }) => severity === "error").map(line)].join("\n"));
  const { keys } = loaded.settings.identity;
  if (keys === null) throw new Stop(FAILED, `${config} has no identity.keys.file: this gateway takes no keys`);
  return { settings: loaded.settings, file: keys.file };
};

const line = ({ file, line: at, column, code, message }: Problem): string => `${file}:${at}:${column}: ${code} ${message}`;

const mustStand = (client: string, settings: Settings): void => {
  const known = clientsIn(settings);
  if (known.has(client)) return;
  const near = nearest(client, known);
  throw new Stop(WRONG_USAGE, `there is no client ${client}${near === undefined ? "" : `; did you mean ${near}?`}`);
};

const mustHave = (tenant: string, client: string, { tenants }: Settings): void => {
  const its = tenants.filter(({ clients }) => Object.hasOwn(clients, client));
  if (its.some(({ name, dbid }) => name === tenant || String(dbid) === tenant)) return;
  throw new Stop(WRONG_USAGE, `${client} does not stand under a tenant ${tenant}; it stands under ${its.map(({ name }) => name).join(", ")}`);
};

const textOf = (file: string): Promise<string> =>
  readSmallFile(file).catch((error: NodeJS.ErrnoException) => { throw new Stop(FAILED, `cannot read ${file}: ${reason(error)}`); });

type Row = { readonly id: string; readonly client: string; readonly state: "in force" | "expired" | "revoked"; readonly created: string; readonly expires: string | null; readonly revoked: string | null; readonly tenants: readonly string[] | null };

const row = (key: KeyRecord): Row => {
  const state = isLive(key, Date.now()) ? "in force" : key.revoked === null ? "expired" : "revoked";
  return { id: key.id, client: key.client, state, created: day(key.created), expires: key.expires === null ? null : day(key.expires), revoked: key.revoked === null ? null : day(key.revoked), tenants: key.tenants };
};

const day = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");

const table = (rows: readonly Row[]): string => {
  const cells = [["id", "client", "state", "created", "expires"], ...rows.map(({ id, client, state, created, expires }) => [id, client, state, created, expires ?? "never"])];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((each) => each[column]?.length ?? 0)));
  return cells.map((each) => `${each.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
};
