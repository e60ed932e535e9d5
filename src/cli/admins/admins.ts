/** `ocsgw admins create | list | password | disable | enable`: the users of the console, in the file admin.users. */
import { stat } from "node:fs/promises";
import { passwordFault, preparePassword } from "../../admin/people/password.ts";
import { hashArgon2id } from "../../common/argon2id.ts";
import { inShell } from "../../common/shell-word.ts";
import { appliedWhen } from "../process/applied-when.ts";
import { isGone } from "../../common/system-error.ts";
import {
  addAdmin,
  changeAdmin,
  isUserName,
  readAdmins,
  ROLES,
  sameName,
  scopeProblem,
  unknownUser,
  USER_NAME_EXPECTED,
  type AdminRecord,
  type Role,
} from "../../settings/files/admins-file.ts";
import { FileEditError } from "../../settings/files/edit-file.ts";
import { suggest } from "../../settings/problems/did-you-mean.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { FAILED, WRONG_USAGE } from "../exit-codes.ts";
import { columns, command, day, settingsOf, Stop, textOf, type Host } from "../list-file.ts";
import { readPassword } from "./read-password.ts";

type Options = { readonly config: string; readonly name: string; readonly json?: boolean };
export type CreateOptions = Options & { readonly role: readonly string[]; readonly tenant?: readonly string[] };
export type AdminsHost = Host & { readonly password: () => Promise<string> };

const HERE: AdminsHost = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  password: () => readPassword(),
};

/** All resolve to the exit code. */
export const adminsCreate = (
  { config, name, role, tenant, json = false }: CreateOptions,
  host: AdminsHost = HERE,
): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await usersOf(config, host);
    if (!isUserName(name)) throw new Stop(WRONG_USAGE, `--name: expected ${USER_NAME_EXPECTED}`);
    const roles = rolesIn(role);
    for (const each of tenant ?? []) requireTenant(each, tenant!, settings);
    // Asked before the password is: the edit checks again.
    const taken = (await storedIn(file))?.find((each) => sameName(each.name, name));
    if (taken) throw new FileEditError(takenName(file, taken.name, config));
    const hash = await newHash(name, host);
    const user = { name, roles, tenants: tenant ?? null, hash, created: Date.now() };
    await addAdmin(file, user, await stat(settings.audit.dir).catch(() => undefined));
    report(host, json, { ...user, disabled: null }, "can log in to the console");
    host.stderr.write(appliedWhen(settings, config));
  });

export const adminsList = ({ config, json = false }: Omit<Options, "name">, host: AdminsHost = HERE): Promise<number> =>
  command(host, async () => {
    const { file } = await usersOf(config, host);
    const read = readAdmins(await textOf(file), file);
    if (!read.ok) throw new FileEditError(`${file} is not valid`, read.problems);
    const rows = read.admins.map(row);
    host.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
  });

/** Sets a new password. Ends the user's sessions. */
export const adminsPassword = ({ config, name, json = false }: Options, host: AdminsHost = HERE): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await usersOf(config, host);
    const known = (await storedIn(file)) ?? [];
    const user = known.find((each) => sameName(each.name, name));
    if (!user) throw new FileEditError(unknownUser(file, name, known));
    await changeAdmin(file, user.name, { hash: await newHash(user.name, host) });
    report(host, json, user, "has a new password");
    host.stderr.write(appliedWhen(settings, config));
  });

export const adminsDisable = (options: Options, host: AdminsHost = HERE): Promise<number> =>
  setDisabled(options, true, host);

export const adminsEnable = (options: Options, host: AdminsHost = HERE): Promise<number> =>
  setDisabled(options, false, host);

const setDisabled = ({ config, name, json = false }: Options, disabled: boolean, host: AdminsHost): Promise<number> =>
  command(host, async () => {
    const { settings, file } = await usersOf(config, host);
    const before = await changeAdmin(file, name, { disabled });
    const was = (before.disabled === true) === disabled ? "was already" : "is";
    report(host, json, { ...before, disabled: disabled || null }, `${was} ${disabled ? "disabled" : "enabled"}`);
    host.stderr.write(appliedWhen(settings, config));
  });

const usersOf = async (config: string, host: Host): Promise<{ readonly settings: Settings; readonly file: string }> => {
  const settings = await settingsOf(config, host);
  const users = settings.admin?.users;
  if (!users)
    throw new Stop(FAILED, `${config} names no file of users: add users: { file: admins.yaml } to the section admin`);
  return { settings, file: users.file };
};

/** Undefined for a missing file; invalid ones are reported by the edit. */
const storedIn = async (file: string): Promise<readonly AdminRecord[] | undefined> => {
  const text = await readSmallFile(file).catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });
  const read = text === undefined ? undefined : readAdmins(text, file);
  return read?.ok ? read.admins : undefined;
};

const takenName = (file: string, name: string, config: string): string =>
  `${file} has a user ${name} already. To set a new password: ocsgw admins password -c ${inShell(config)} --name ` +
  inShell(name);

const rolesIn = (given: readonly string[]): readonly Role[] => {
  for (const each of given) {
    if ((ROLES as readonly string[]).includes(each)) continue;
    throw new Stop(WRONG_USAGE, `--role: unknown role ${each}; ${suggest(each, ROLES)?.replaceAll("`", "")}`);
  }
  return ROLES.filter((role) => given.includes(role));
};

const requireTenant = (tenant: string, all: readonly string[], { tenants }: Settings): void => {
  const problem = scopeProblem(tenant, all, tenants);
  if (!problem) return;
  throw new Stop(
    WRONG_USAGE,
    `--tenant: ${problem.message}${problem.help === undefined ? "" : `; ${problem.help.replaceAll("`", "")}`}`,
  );
};

const newHash = async (name: string, { password }: AdminsHost): Promise<string> => {
  const given = await password();
  const fault = passwordFault(given, name);
  if (fault !== undefined) throw new Stop(WRONG_USAGE, `this password is not accepted: ${fault}`);
  return hashArgon2id(preparePassword(given));
};

type Row = {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly tenants: readonly string[] | null;
  readonly state: "enabled" | "disabled";
  readonly created: string;
};

const row = ({ name, roles, tenants, disabled, created }: AdminRecord): Row => ({
  name,
  roles,
  tenants,
  state: disabled ? "disabled" : "enabled",
  created: day(created),
});

const table = (rows: readonly Row[]): string =>
  columns([
    ["name", "roles", "tenants", "state", "created"],
    ...rows.map(({ name, roles, tenants, state, created }) => [
      name,
      roles.join(", "),
      tenants === null ? "all" : tenants.join(", "),
      state,
      created,
    ]),
  ]);

const report = ({ stdout }: Host, json: boolean, user: AdminRecord, what: string): void =>
  void stdout.write(
    json ? `${JSON.stringify(row(user), null, 2)}\n` : `${user.name} (${user.roles.join(", ")}) ${what}\n`,
  );
