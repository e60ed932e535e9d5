/** Rules about the file of the console's users: readable by the gateway alone, well formed, with a user. */
import { inShell } from "../../../common/shell-word.ts";
import { readAdmins } from "../../files/admins-file.ts";
import { withHelp, type Finding, type Problem } from "../../problems/problem.ts";
import type { ParsedParts } from "../parsed-parts.ts";
import { readableByOthers } from "./certificates.ts";
import { contents, unreadable, type FilesOf, type Unreadable } from "./contents.ts";

const PROBLEMS = {
  noFile: (file: string, { why }: Unreadable, config: string) => ({
    code: "OCSGW-6326",
    severity: "warning" as const,
    message: `no user can log in to the console, because the file of its users ${file} cannot be read: ${why}`,
    help: createHelp(config),
  }),
  /** As `check` shows a problem of the config, in one line: the place in the file, and the other place. */
  inFile: (file: string, { severity, code, line, column, message, help, also }: Problem) =>
    withHelp(
      {
        code: severity === "warning" ? code : "OCSGW-6257",
        severity,
        message: `${file}:${line}:${column}: ${message}${also ? `; the first one is in line ${also.line}` : ""}`,
      },
      help ??
        "correct or delete this entry: the file is used as a whole or not at all; ocsgw admins create writes valid " +
          "ones",
    ),
  nobody: (file: string, config: string) => ({
    code: "OCSGW-6327",
    severity: "warning" as const,
    message: `no user can log in to the console, because ${file} has no user who is not disabled`,
    help: createHelp(config),
  }),
} as const;

const createHelp = (config: string): string => `ocsgw admins create -c ${inShell(config)} --name NAME --role operator`;

export const findUsersProblems = (parts: ParsedParts, files: FilesOf): readonly Finding[] => {
  const { admin, tenants, tenantsWhole } = parts;
  if (!admin?.value.users) return [];
  const { file } = admin.value.users;
  const path = [...admin.path, "users", "file"];
  const found = contents(file, files);
  // Users of an OpenID provider can log in without the file.
  const mayBeEmpty = admin.value.oidc !== null;
  if ("why" in found && found.isMissing && mayBeEmpty) return [];
  if ("why" in found)
    return [{ ...(found.isMissing ? PROBLEMS.noFile(file, found, files.file) : unreadable(file, found)), path }];
  const rights = readableByOthers({ path, file }, files, "the password hashes in");
  const known = tenantsWhole ? tenants.map(({ value: { name, dbid } }) => ({ name, dbid })) : undefined;
  const read = (files.readAdmins ?? readAdmins)(found.text, file, known);
  if (!read.ok) return [...rights, ...read.problems.map((problem) => ({ ...PROBLEMS.inFile(file, problem), path }))];
  return [
    ...rights,
    ...read.warnings.map((problem) => ({ ...PROBLEMS.inFile(file, problem), path })),
    ...(mayBeEmpty || read.admins.some(({ disabled }) => disabled === null)
      ? []
      : [{ ...PROBLEMS.nobody(file, files.file), path }]),
  ];
};
