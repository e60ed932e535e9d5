/** The file of the console's users (`admin.users`). Changes edit the YAML document, so that comments stay. */
import { isMap, isSeq, type Document, type YAMLMap } from "yaml";
import { z } from "zod";
import { isCheap, parseArgon2id } from "../../common/argon2id.ts";
import { inShell } from "../../common/shell-word.ts";
import type { Owner } from "../../common/file-owner.ts";
import { hasPhoneNumber } from "../../common/mask.ts";
import { repeats } from "../rules/compare.ts";
import { editFile, FileEditError, verbatim, type EditedFormat } from "./edit-file.ts";
import { endFindings, endMarker, hasEnd } from "./end-marker.ts";
import { findingsOf } from "../schema/schema-problems.ts";
import { suggest } from "../problems/did-you-mean.ts";
import { problemsOf } from "../problems/locate.ts";
import { withHelp, type Finding, type Problem, type ProblemText } from "../problems/problem.ts";
import { readYaml, type Read } from "../yaml.ts";

export const ROLES = ["viewer", "operator", "auditor"] as const;
export type Role = (typeof ROLES)[number];

/** `hash`: of the password, as `common/argon2id.ts` writes it. `created`: milliseconds since 1970. */
export type AdminRecord = {
  readonly name: string;
  readonly roles: readonly Role[];
  /** Names or DBIDs; null for all tenants. */
  readonly tenants: readonly string[] | null;
  readonly hash: string;
  readonly disabled: true | null;
  readonly created: number;
};

export const USER_NAME_EXPECTED =
  "a name of 1 to 64 letters, digits or . _ @ + - that starts with a letter or digit and is no phone number";
/** Short enough for the journal, which hides phone numbers in names. */
export const isUserName = (text: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/.test(text) && !hasPhoneNumber(text);

/** Names are compared without case, so that nobody can pass for another user. */
export const sameName = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const expected = (what: string): { readonly error: string } => ({ error: `expected ${what}` });
const TIME = expected("a time in UTC, for example 2026-11-22T12:00:00Z");
const HASH = expected("an argon2id hash, as ocsgw admins create writes it");
const ROLE = expected(`${ROLES.slice(0, -1).join(", ")} or ${ROLES.at(-1)}`);
const role = z.enum(ROLES, ROLE);

const entrySchema = z.strictObject({
  name: z.string(expected(USER_NAME_EXPECTED)).refine(isUserName, expected(USER_NAME_EXPECTED)),
  role: z
    .union([role.transform((one): Role[] => [one]), z.array(role).min(1, ROLE)], ROLE)
    .transform((roles) => ROLES.filter((each) => roles.includes(each))),
  tenants: z
    .array(z.union([z.string().min(1), z.int().positive().transform(String)], expected("a tenant's name or DBID")))
    .min(1, expected("at least one tenant"))
    .nullable()
    .prefault(null as never),
  hash: z.string(HASH).refine((text) => parseArgon2id(text) !== undefined, HASH),
  disabled: z
    .boolean(expected("true or false"))
    .transform((is) => (is ? (true as const) : null))
    .nullable()
    .prefault(null as never),
  created: z.iso.datetime(TIME).transform((text) => Date.parse(text)),
});
const adminSchema = entrySchema.transform(({ role: roles, ...rest }) => ({ ...rest, roles }));
const fileSchema = z.strictObject({
  version: z.literal(1),
  admins: z.array(adminSchema, expected("a list of users")),
  end: endMarker.optional(),
});

/** `isEnded`: the file's last key is `end: true`. `warnings`: problems of a valid file. */
export type Admins =
  | {
      readonly ok: true;
      readonly admins: readonly AdminRecord[];
      readonly isEnded: boolean;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export type KnownTenant = { readonly name: string; readonly dbid: number };

const PROBLEMS = {
  duplicate: (name: string) => ({
    code: "OCSGW-6254",
    message: `two users have the name ${name}; upper and lower case count as the same`,
    help: "delete one of the two entries, or give it another name",
  }),
  unknownTenant: (tenant: string) => ({ code: "OCSGW-6255", message: `unknown tenant ${JSON.stringify(tenant)}` }),
  sharedDbid: (tenant: KnownTenant, other: KnownTenant) => ({
    code: "OCSGW-6256",
    message:
      `this user would also see ${JSON.stringify(other.name)}, which has the DBID ${tenant.dbid} on another OCS; ` +
      "users are limited by DBID",
    help: `list ${JSON.stringify(other.name)} too, or give each tenant a DBID of its own`,
  }),
  cheapHash: (name: string) => ({
    code: "OCSGW-6325",
    severity: "warning" as const,
    message: "this password hash is cheap to guess: its parameters are below those that OWASP recommends",
    help: `set the password again: ocsgw admins password --name ${inShell(name)}`,
  }),
} as const;

const EMPTY =
  "# Users of the console, with hashes of their passwords. Written by ocsgw admins; the passwords are not stored.\n" +
  "version: 1\nadmins: []\n";

/** `tenants`: those of the config; undefined if they are not all known, and the lists of tenants are not checked. */
export const readAdmins = (text: string, file: string, tenants?: readonly KnownTenant[]): Admins =>
  check(readYaml(text, verbatim), file, tenants);

const check = (read: Read, file: string, tenants?: readonly KnownTenant[]): Admins => {
  const result = fileSchema.safeParse(read.value);
  const keysAt = (path: readonly unknown[]): string[] =>
    Object.keys(path.length === 0 ? fileSchema.shape : entrySchema.shape);
  const hidden = (path: readonly unknown[]): boolean => path.at(-1) === "hash";
  const findings: readonly Finding[] = [
    ...read.findings,
    ...(read.broken.length > 0 ? [] : findingsOf(result.error?.issues ?? [], { value: read.value, keysAt, hidden })),
    ...endFindings(read.value),
    ...(result.success
      ? [...duplicates(result.data.admins), ...scopes(result.data.admins, tenants), ...cheap(result.data.admins)]
      : []),
  ];
  const problems = problemsOf(file, read, findings);
  return result.success && !problems.some(({ severity }) => severity === "error")
    ? { ok: true, admins: result.data.admins, isEnded: hasEnd(read.value), warnings: problems }
    : { ok: false, problems };
};

const duplicates = (admins: readonly AdminRecord[]): readonly Finding[] =>
  repeats(
    admins.map(({ name }, at) => ({ name, at })),
    ({ name }) => name.toLowerCase(),
  ).map(({ first, again }) => ({
    ...PROBLEMS.duplicate(again.name),
    path: ["admins", again.at, "name"],
    also: { path: ["admins", first.at, "name"], message: "first used here" },
  }));

const scopes = (admins: readonly AdminRecord[], known: readonly KnownTenant[] | undefined): readonly Finding[] =>
  known === undefined
    ? []
    : admins.flatMap(({ tenants }, admin) =>
        (tenants ?? []).flatMap((text, at): Finding | [] => {
          const problem = scopeProblem(text, tenants!, known);
          return problem ? { ...problem, path: ["admins", admin, "tenants", at] } : [];
        }),
      );

/** Why a user may not be limited to the tenant `text`, one of those `listed`; undefined if that is possible. */
export const scopeProblem = (
  text: string,
  listed: readonly string[],
  known: readonly KnownTenant[],
): ProblemText | undefined => {
  const isMeant = (tenant: KnownTenant, by: string): boolean => tenant.name === by || String(tenant.dbid) === by;
  const meant = known.filter((tenant) => isMeant(tenant, text));
  if (meant.length === 0)
    return withHelp(
      PROBLEMS.unknownTenant(text),
      suggest(
        text,
        known.map(({ name }) => name),
      ) ?? "name a tenant of the config, or its DBID",
    );
  for (const tenant of meant) {
    const other = known.find((each) => each.dbid === tenant.dbid && !listed.some((by) => isMeant(each, by)));
    if (other) return PROBLEMS.sharedDbid(tenant, other);
  }
  return undefined;
};

const cheap = (admins: readonly AdminRecord[]): readonly Finding[] =>
  admins.flatMap(({ name, hash }, at): Finding | [] =>
    isCheap(parseArgon2id(hash)!) ? { ...PROBLEMS.cheapHash(name), path: ["admins", at, "hash"] } : [],
  );

const FORMAT: EditedFormat<Extract<Admins, { ok: true }>> = { empty: EMPTY, read: (read, file) => check(read, file) };

const iso = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");

/**
 * Adds a user; makes a missing file. `service`: the user who must be able to read it. Rejects with FileEditError, also
 * if the name is taken.
 */
export const addAdmin = (
  file: string,
  { name, roles, tenants, hash, created }: Omit<AdminRecord, "disabled">,
  service?: Owner,
): Promise<void> =>
  editFile(file, {
    format: FORMAT,
    change: (document, { admins }) => {
      const taken = admins.find((each) => sameName(each.name, name));
      if (taken) throw new FileEditError(`${file} has a user ${taken.name} already`);
      const list = document.get("admins");
      if (!isSeq(list)) throw new FileEditError(`${file} has no list named admins`);
      list.flow &&= list.items.length > 0; // `admins: []` becomes a list with a block for each user
      const node = document.createNode({
        name,
        role: roles.length === 1 ? roles[0] : roles,
        ...(tenants !== null && { tenants }),
        hash,
        created: iso(created),
      }) as YAMLMap;
      for (const key of ["role", "tenants"]) {
        const value = node.get(key);
        if (isSeq(value)) value.flow = true;
      }
      list.add(node);
    },
    service,
  });

/** Resolves to the record before the change. Rejects with FileEditError for an unknown user. */
export const changeAdmin = async (
  file: string,
  name: string,
  { hash, disabled }: { readonly hash?: string; readonly disabled?: boolean },
): Promise<AdminRecord> => {
  let before: AdminRecord | undefined;
  await editFile(file, {
    format: FORMAT,
    change: (document, { admins }) => {
      const at = admins.findIndex((each) => sameName(each.name, name));
      before = admins[at];
      if (!before) throw new FileEditError(unknownUser(file, name, admins));
      const entry = entryAt(document, at);
      if (hash !== undefined) entry.set("hash", hash);
      if (disabled === true) entry.set("disabled", true);
      if (disabled === false) entry.delete("disabled");
    },
  });
  return before!;
};

const entryAt = (document: Document.Parsed, at: number): YAMLMap => {
  const entry = document.getIn(["admins", at]);
  if (!isMap(entry)) throw new FileEditError("the entry of this user is not a map");
  return entry;
};

export const unknownUser = (file: string, name: string, admins: readonly AdminRecord[]): string => {
  const help = suggest(
    name,
    admins.map((each) => each.name),
  );
  return `${file} has no user ${name}${help === undefined ? "" : `; ${help.replaceAll("`", "")}`}`;
};
