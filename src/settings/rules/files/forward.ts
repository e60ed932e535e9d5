/** Rules about `audit.forward`. */
import { dirname, relative, resolve } from "node:path";
import type { FilesOf } from "./contents.ts";
import { destinationsIn, type ParsedParts, type Rule } from "../parsed-parts.ts";
import type { Finding } from "../../problems/problem.ts";

const PROBLEMS = {
  noTls: (protocol: string) => ({
    code: "OCSGW-6371",
    message: `tls has no effect on ${protocol}: entries would be sent unencrypted`,
    help: "write syslog:tls:// or tls:// in to, or remove tls",
  }),
  halfPair: (missing: string) => ({
    code: "OCSGW-6372",
    message: `${missing} is missing: the gateway's certificate needs both cert and key`,
    help: `set ${missing}, or remove the other one`,
  }),
  inside: (file: string) => ({
    code: "OCSGW-6373",
    message: `${file} is inside audit.dir, where every file belongs to the journal`,
    help: "name a file outside audit.dir, best on another disk",
  }),
  taken: (file: string, other: string) => ({
    code: "OCSGW-6374",
    message: `${file} is also ${other}`,
    help: "name a file of its own for each destination",
  }),
  notWritable: (file: string, why: string) => ({
    code: "OCSGW-6375",
    message: `this user cannot write ${file} in its folder: ${why}`,
    help: "correct the permissions for the gateway's user, and run check as that user; or correct the path",
  }),
} as const;

export const forwardRules: readonly Rule[] = [
  (parts) =>
    destinationsIn(parts).flatMap(({ path, value: { to, tls } }): readonly Finding[] => {
      if (tls === null) return [];
      const protocol = to.kind === "file" ? "a file" : to.protocol;
      const missing = tls.cert === null ? "cert" : "key";
      return [
        ...(protocol === "tls" ? [] : [{ ...PROBLEMS.noTls(protocol), path: [...path, "tls"] }]),
        ...((tls.cert === null) === (tls.key === null)
          ? []
          : [{ ...PROBLEMS.halfPair(missing), path: [...path, "tls", missing === "cert" ? "key" : "cert"] }]),
      ];
    }),
];

/** The files that entries are forwarded to: outside the journal, of their own, and writable. */
export const findForwardProblems = (parts: ParsedParts, files: FilesOf): readonly Finding[] => {
  const { audit } = parts;
  if (!audit) return [];
  const absolute = (path: string): string => resolve(dirname(resolve(files.file)), path);
  const { dir, checkpoint } = audit.value;
  const owners = new Map<string, string>([
    [absolute(checkpoint.key), "audit.checkpoint.key"],
    [checkpoint.anchor === null ? `${absolute(dir)}.anchor` : absolute(checkpoint.anchor), "the journal's anchor"],
    ...checkpoint.publish.flatMap((sink) =>
      sink.kind === "file" ? [[resolve(sink.path), "a checkpoint sink"] as const] : [],
    ),
  ]);
  return destinationsIn(parts).flatMap(({ path: at, value: { to, name } }): readonly Finding[] => {
    if (to.kind !== "file") return [];
    const path = [...at, "to"];
    // A path may be spelled in several ways.
    const place = resolve(to.path);
    const owner = owners.get(place);
    owners.set(place, `the file of ${name}`);
    const isInside = !/^\.\.(?:$|[\\/])/.test(relative(absolute(dir), to.path));
    if (isInside) return [{ ...PROBLEMS.inside(to.path), path }];
    if (owner !== undefined) return [{ ...PROBLEMS.taken(to.path, owner), path }];
    const why = files.whyNotWritable?.(dirname(to.path));
    return why === undefined ? [] : [{ ...PROBLEMS.notWritable(to.path, why), path }];
  });
};
