/** `ocsgw keys create | list | revoke`: the keys themselves are shown once and kept nowhere. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { places } from "../journal/places.ts";
import type { Revoked } from "../journal/revoked.ts";
import { clientsIn } from "../settings/clients.ts";
import { nearest } from "../settings/nearest.ts";
import { addKey, isLive, KeysFileError, readKeys, revokeKey, type KeyRecord } from "../settings/keys-file.ts";
import { deliver, isDiscarded } from "./output.ts";
import { createKey, idOfKey, KEY_BEGINS } from "../settings/key.ts";
import { loadSettings } from "../settings/load.ts";
import type { Problem } from "../settings/problem.ts";
import type { Settings } from "../settings/schema.ts";
import { readDecision, revocationsFile } from "../settings/revocations-file.ts";
import { DURATION_EXPECTED, parseDuration } from "../settings/units.ts";
import { readSmallFile } from "../small-file.ts";
import { faultInWords, isGone, reason } from "../system-error.ts";
import { decide, runsElsewhere, withElsewhere, type Outcome } from "./revoke.ts";
import { standingIn, type Listed } from "./revoked-list.ts";

type Writer = { readonly write: (text: string) => unknown };
export type Host = {
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly env: Readonly<Record<string, string | undefined>>;
};

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;
const NOT_VALID = 3;
const UNREACHABLE = 5;
const CANNOT_TELL = 8;
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
export const keysCreate = (
  {
    config,
    client,
    expires,
    tenant,
  }: {
    readonly config: string;
    readonly client: string;
    readonly expires?: string;
    readonly tenant?: readonly string[];
  },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await keysOf(config, host);
    mustStand(client, settings);
    for (const each of tenant ?? []) mustHave(each, client, settings);
    const lifetime = expires === undefined ? undefined : parseDuration(expires);
    if (expires !== undefined && !lifetime)
      throw new Stop(WRONG_USAGE, `--expires: expected ${DURATION_EXPECTED}, found ${expires}`);
    const created = Date.now();
    if (lifetime && created + lifetime > LATEST)
      throw new Stop(WRONG_USAGE, `--expires: ${expires} is later than the year 9999; left out, the key has no end`);
    if (host === process && isDiscarded(1))
      throw new Stop(FAILED, "no key was made: stdout is closed or leads to /dev/null, so nobody would see it");
    const { id, key, hash } = createKey();
    // A key that nobody has seen must not be in force.
    await deliver(host.stdout, `${key}\n`).catch((error: unknown) => {
      throw new Stop(FAILED, `no key was made: it could not be written to stdout: ${reason(error)}`);
    });
    await addKey(
      file,
      { id, client, hash, created, expires: lifetime ? created + lifetime : null, tenants: tenant ?? null },
      await stat(settings.audit.dir).catch(() => undefined),
    ).catch((error: unknown) => {
      throw error instanceof KeysFileError
        ? new KeysFileError(`the key that was printed is not in force: ${error.message}`, error.problems)
        : error;
    });
    host.stderr.write(
      `key ${id} of ${client}, ${lifetime ? `until ${day(created + lifetime)}` : "without an end"}. It is not shown again; ${file} holds its hash.\n`,
    );
  });

export const keysList = (
  { config, json = false }: { readonly config: string; readonly json?: boolean },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await keysOf(config, host);
    const read = readKeys(await textOf(file), file);
    if (!read.ok) throw new KeysFileError(`${file} is not valid`, read.problems);
    const { dir } = settings.audit;
    const { standing, doubts } = await withElsewhere(await revokedBeside(dir), config, dir);
    const rows = read.keys.map((key) => row(key, standing));
    host.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
    if (doubts.length > 0) throw new Stop(CANNOT_TELL, doubts.join("\n"));
  });

/** `given`: the id, or the whole key, as somebody has it at hand whose key has leaked; it is printed nowhere again. */
export const keysRevoke = (
  { config, id: given }: { readonly config: string; readonly id: string },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const id = idOfKey(given) ?? given;
    if (id.startsWith(KEY_BEGINS))
      throw new Stop(
        WRONG_USAGE,
        "this looks like a whole API key, but a character is missing or wrong. Give the key's id instead: the part after its first underscore, for example 7m3k9q2d",
      );
    const { settings, file } = await keysOf(config, host);
    const {
      audit: { dir },
    } = settings;
    const known = readKeys(await textOf(file), file);
    const client = known.ok ? known.keys.find((key) => key.id === id)?.client : undefined;
    if (known.ok && client === undefined) throw new KeysFileError(`${file} has no key ${id}`);
    const marked = await revokeKey(file, id).catch((error: unknown) => {
      // A file that is mounted read-only is changed where it comes from; the gateway can be told all the same.
      if (error instanceof KeysFileError && error.problems.length === 0) return error;
      throw error;
    });
    const isMarked = !(marked instanceof KeysFileError);
    const what = `key ${id} of ${client}`;
    const is = isMarked && marked.revoked !== null ? `was revoked already, on ${day(marked.revoked)}` : "is revoked";
    // Before its first start there is nobody to be told.
    const elsewhere = await runsElsewhere(config, dir);
    const mayRun = existsSync(places(dir).segments) || elsewhere !== undefined;
    const outcome = mayRun ? await told(dir, config, id) : undefined;
    const { code = isMarked ? DONE : FAILED, where } = outcome ?? {};
    if (code === DONE) {
      host.stderr.write(
        `${what} ${is}: ${where === undefined ? "no gateway has run yet, and the first one that starts holds to it" : HOLDS[where]}\n`,
      );
      if (!isMarked) host.stderr.write(`${file} does not say so, and need not: ${marked.message}\n`);
      return;
    }
    if (!isMarked)
      throw new Stop(
        code,
        `${what} is not revoked: ${[marked.message, ...(outcome ? [outcome.says] : [])].join("; ")}`,
      );
    throw new Stop(
      code,
      `${what} ${is} in ${file}, but a gateway that runs was not told: ${outcome!.says}. It counts there once that gateway has read ${file} again: ocsgw reload, or a restart`,
    );
  });

const HOLDS = {
  gateway: "in force at the running gateway",
  journal: "no gateway runs here, and the next one that starts holds to it",
  file: "no gateway runs here, and the next one that starts holds to it",
} as const;

/** A revocation outlasts the file: a copy of it from before brings the key back to nobody. */
const told = async (dir: string, config: string, id: string): Promise<Outcome> => {
  const decision = readDecision({ kind: "key", id });
  if (typeof decision === "string") return { code: FAILED, says: decision };
  return decide(dir, config, decision).catch((error: unknown): Outcome => ({
    code: UNREACHABLE,
    says: faultInWords(error),
  }));
};

/** What `ocsgw revoke` has said of keys and of clients. */
const revokedBeside = async (dir: string): Promise<Listed> => {
  // That it may not look is no sign that there is nothing.
  const fault = await stat(dir).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (fault !== undefined)
    return { standing: [], doubts: isGone(fault) ? [] : [`cannot tell what else is revoked: ${faultInWords(fault)}`] };
  return existsSync(places(dir).segments) || existsSync(revocationsFile(dir))
    ? standingIn(dir)
    : { standing: [], doubts: [] };
};

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

const keysOf = async (
  config: string,
  { env }: Host,
): Promise<{ readonly settings: Settings; readonly file: string }> => {
  const loaded = await loadSettings(config, env);
  if (!loaded.ok)
    throw new Stop(
      NOT_VALID,
      [`${config} is not valid`, ...loaded.problems.filter(({ severity }) => severity === "error").map(line)].join(
        "\n",
      ),
    );
  const { keys } = loaded.settings.identity;
  if (keys === null) throw new Stop(FAILED, `${config} has no identity.keys.file: this gateway takes no keys`);
  return { settings: loaded.settings, file: keys.file };
};

const line = ({ file, line: at, column, code, message }: Problem): string =>
  `${file}:${at}:${column}: ${code} ${message}`;

const mustStand = (client: string, settings: Settings): void => {
  const known = clientsIn(settings);
  if (known.has(client)) return;
  const near = nearest(client, known);
  throw new Stop(WRONG_USAGE, `there is no client ${client}${near === undefined ? "" : `; did you mean ${near}?`}`);
};

const mustHave = (tenant: string, client: string, { tenants }: Settings): void => {
  const its = tenants.filter(({ clients }) => Object.hasOwn(clients, client));
  if (its.some(({ name, dbid }) => name === tenant || String(dbid) === tenant)) return;
  throw new Stop(
    WRONG_USAGE,
    `${client} does not stand under a tenant ${tenant}; it stands under ${its.map(({ name }) => name).join(", ")}`,
  );
};

const textOf = (file: string): Promise<string> =>
  readSmallFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Stop(FAILED, `cannot read ${file}: ${reason(error)}`);
  });

type Row = {
  readonly id: string;
  readonly client: string;
  /** The last: every credential of its client was revoked. */ readonly state:
    | "in force"
    | "expired"
    | "revoked"
    | "client revoked";
  readonly created: string;
  readonly expires: string | null;
  readonly revoked: string | null;
  readonly tenants: readonly string[] | null;
};

const row = (key: KeyRecord, standing: readonly Pick<Revoked, "kind" | "id">[]): Row => {
  const isRevoked = (kind: string, id: string): boolean =>
    standing.some((each) => each.kind === kind && each.id === id);
  const state =
    key.revoked !== null || isRevoked("key", key.id)
      ? "revoked"
      : !isLive(key, Date.now())
        ? "expired"
        : isRevoked("client", key.client)
          ? "client revoked"
          : "in force";
  return {
    id: key.id,
    client: key.client,
    state,
    created: day(key.created),
    expires: key.expires === null ? null : day(key.expires),
    revoked: key.revoked === null ? null : day(key.revoked),
    tenants: key.tenants,
  };
};

const day = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");

const table = (rows: readonly Row[]): string => {
  const cells = [
    ["id", "client", "state", "created", "expires"],
    ...rows.map(({ id, client, state, created, expires }) => [id, client, state, created, expires ?? "never"]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((each) => each[column]?.length ?? 0)));
  return cells.map((each) => `${each.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
};
