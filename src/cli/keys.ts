/** `ocsgw keys create | list | revoke`. A key is shown once, when it is created; only its hash is stored. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { paths } from "../journal/paths.ts";
import type { Revoked } from "../journal/revocations/revoked-set.ts";
import { clientsIn } from "../settings/clients.ts";
import { nearest } from "../settings/problems/did-you-mean.ts";
import { FileEditError } from "../settings/files/edit-file.ts";
import { addKey, isLive, readKeys, revokeKey } from "../settings/files/keys-file.ts";
import type { KeyRecord } from "../settings/files/keys-rows.ts";
import { appliedWhen } from "./process/applied-when.ts";
import { deliver, isDiscarded } from "./process/output.ts";
import { createKey, idOfKey, KEY_PREFIX } from "../settings/files/api-key.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { readDecision, revocationsFile } from "../settings/files/revocations-file.ts";
import { DURATION_EXPECTED, parseDuration } from "../settings/schema/units.ts";
import { inShell } from "../common/shell-word.ts";
import { faultInWords, isGone, reason } from "../common/system-error.ts";
import { applyRevocation, whyUnreached, withUnreachedDoubt, type Outcome } from "./revoke/apply-revocation.ts";
import { revocationsIn, type Listed } from "./revoke/list.ts";
import { CANNOT_TELL, DONE, FAILED, UNREACHABLE, WRONG_USAGE } from "./exit-codes.ts";
import { columns, command, day, settingsOf, Stop, textOf, type Host } from "./list-file.ts";

/** The latest time that a keys file can hold. */
const LATEST = Date.parse("9999-12-31T23:59:59Z");

/** Resolves to the exit code. Prints the key alone to stdout, everything else to stderr. */
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
    requireClient(client, settings);
    for (const each of tenant ?? []) requireTenant(each, client, settings);
    const lifetime = expires === undefined ? undefined : parseDuration(expires);
    if (expires !== undefined && !lifetime)
      throw new Stop(WRONG_USAGE, `--expires: expected ${DURATION_EXPECTED}, found ${expires}`);
    const created = Date.now();
    if (lifetime && created + lifetime > LATEST)
      throw new Stop(
        WRONG_USAGE,
        `--expires: ${expires} is later than the year 9999; omit --expires for a key that never expires`,
      );
    if (host === process && isDiscarded(1))
      throw new Stop(FAILED, "no key was created: stdout is closed or /dev/null, so nobody would see the key");
    const { id, key, hash } = createKey();
    // The key is printed before it is stored: a key that nobody has seen must not be valid.
    await deliver(host.stdout, `${key}\n`).catch((error: unknown) => {
      throw new Stop(FAILED, `no key was created, because it could not be written to stdout: ${reason(error)}`);
    });
    await addKey(
      file,
      { id, client, hash, created, expires: lifetime ? created + lifetime : null, tenants: tenant ?? null },
      await stat(settings.audit.dir).catch(() => undefined),
    ).catch((error: unknown) => {
      throw error instanceof FileEditError
        ? new FileEditError(
            `the printed key is not valid, because it could not be stored: ${error.message}`,
            error.problems,
          )
        : error;
    });
    host.stderr.write(
      `Key ${id} for ${client} created; it ${lifetime ? `expires on ${day(created + lifetime)}` : "never expires"}. ` +
        `The key is not shown again; ${file} holds its hash.\n`,
    );
    host.stderr.write(appliedWhen(settings, config));
  });

export const keysList = (
  { config, json = false }: { readonly config: string; readonly json?: boolean },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await keysOf(config, host);
    const read = readKeys(await textOf(file), file);
    if (!read.ok) throw new FileEditError(`${file} is not valid`, read.problems);
    const { dir } = settings.audit;
    const { revocations, doubts } = await withUnreachedDoubt(await revokedInJournal(dir), config, dir);
    const rows = read.keys.map((key) => row(key, revocations));
    host.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
    if (doubts.length > 0) throw new Stop(CANNOT_TELL, doubts.join("\n"));
  });

/** `given`: the id, or the whole key, which someone with a leaked key has at hand; the key is never printed. */
export const keysRevoke = (
  { config, id: given }: { readonly config: string; readonly id: string },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const id = idOfKey(given) ?? given;
    if (id.startsWith(KEY_PREFIX))
      throw new Stop(
        WRONG_USAGE,
        "this looks like a whole API key, but a character is missing or wrong. Give the key's id instead: the part " +
          "after its first underscore, for example 7m3k9q2d",
      );
    const { settings, file } = await keysOf(config, host);
    const {
      audit: { dir },
    } = settings;
    const known = readKeys(await textOf(file), file);
    const client = known.ok ? known.keys.find((key) => key.id === id)?.client : undefined;
    if (known.ok && client === undefined) throw new FileEditError(`${file} has no key ${id}`);
    const revoked = await revokeKey(file, id).catch((error: unknown) => {
      // The keys file may be mounted read-only; the gateway can revoke the key all the same.
      if (error instanceof FileEditError && error.problems.length === 0) return error;
      throw error;
    });
    const isMarked = !(revoked instanceof FileEditError);
    const what = `key ${id} of ${client}`;
    const is = isMarked && revoked.revoked !== null ? `was already revoked on ${day(revoked.revoked)}` : "is revoked";
    // Before its first start there is no gateway to ask.
    const unreached = await whyUnreached(config, dir);
    const mayRun = existsSync(paths(dir).segments) || unreached !== undefined;
    const outcome = mayRun ? await revokeAtGateway(dir, config, id) : undefined;
    const { code = isMarked ? DONE : FAILED, where } = outcome ?? {};
    if (code === DONE) {
      host.stderr.write(`${what} ${is}: ${APPLIED[where ?? "nowhere"]}\n`);
      if (!isMarked) host.stderr.write(`${file} was not changed, and need not be: ${revoked.message}\n`);
      return;
    }
    if (!isMarked)
      throw new Stop(
        code,
        `${what} is not revoked: ${[revoked.message, ...(outcome ? [outcome.says] : [])].join("; ")}`,
      );
    throw new Stop(
      code,
      `${what} ${is} in ${file}, but the running gateway did not apply it: ${outcome!.says}. The gateway accepts ` +
        `the key until it reloads the file: run ocsgw reload -c ${inShell(config)}, or restart it`,
    );
  });

const APPLIED = {
  gateway: "applied by the running gateway",
  journal: "no gateway is running, and the next one that starts will apply it",
  file: "no gateway is running, and the next one that starts will apply it",
  nowhere: "no gateway has run yet, and the first one that starts will apply it",
} as const;

/** Also revokes the key in the journal, so that restoring an older keys file does not make it valid again. */
const revokeAtGateway = async (dir: string, config: string, id: string): Promise<Outcome> => {
  const decision = readDecision({ kind: "key", id });
  if (typeof decision === "string") return { code: FAILED, says: decision };
  return applyRevocation(dir, config, decision).catch((error: unknown): Outcome => ({
    code: UNREACHABLE,
    says: faultInWords(error),
  }));
};

/** Revocations of keys and clients made with `ocsgw revoke`. */
const revokedInJournal = async (dir: string): Promise<Listed> => {
  // A folder without read permission may hold revocations.
  const fault = await stat(dir).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (fault !== undefined)
    return { revocations: [], doubts: isGone(fault) ? [] : [`further revocations may exist: ${faultInWords(fault)}`] };
  return existsSync(paths(dir).segments) || existsSync(revocationsFile(dir))
    ? revocationsIn(dir)
    : { revocations: [], doubts: [] };
};

const keysOf = async (config: string, host: Host): Promise<{ readonly settings: Settings; readonly file: string }> => {
  const settings = await settingsOf(config, host);
  const { keys } = settings.identity;
  if (keys === null) throw new Stop(FAILED, `${config} has no identity.keys.file, so the gateway accepts no API keys`);
  return { settings, file: keys.file };
};

const requireClient = (client: string, settings: Settings): void => {
  const known = clientsIn(settings);
  if (known.has(client)) return;
  const near = nearest(client, known);
  throw new Stop(WRONG_USAGE, `unknown client ${client}${near === undefined ? "" : `; did you mean ${near}?`}`);
};

const requireTenant = (tenant: string, client: string, { tenants }: Settings): void => {
  const its = tenants.filter(({ clients }) => Object.hasOwn(clients, client));
  if (its.some(({ name, dbid }) => name === tenant || String(dbid) === tenant)) return;
  throw new Stop(
    WRONG_USAGE,
    `${client} is not a client of a tenant ${tenant}; its tenants: ${its.map(({ name }) => name).join(", ")}`,
  );
};

type Row = {
  readonly id: string;
  readonly client: string;
  /** `client revoked`: all credentials of its client are revoked. */
  readonly state: "in force" | "expired" | "revoked" | "client revoked";
  readonly created: string;
  readonly expires: string | null;
  readonly revoked: string | null;
  readonly tenants: readonly string[] | null;
};

const row = (key: KeyRecord, revocations: readonly Pick<Revoked, "kind" | "id">[]): Row => {
  const isRevoked = (kind: string, id: string): boolean =>
    revocations.some((each) => each.kind === kind && each.id === id);
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

const table = (rows: readonly Row[]): string =>
  columns([
    ["id", "client", "state", "created", "expires"],
    ...rows.map(({ id, client, state, created, expires }) => [id, client, state, created, expires ?? "never"]),
  ]);
