/**
 * For `check`: whether `run` could go on with what lies in the journal's directory and beside it. A file that another
 * user made there, as root's command of an earlier version did, stops a gateway at its start or in the middle of a day.
 */
import { accessSync, constants, statSync, type Stats } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { places } from "../journal/places.ts";
import type { Loaded } from "../settings/load.ts";
import type { Problem } from "../settings/problem.ts";
import type { Settings } from "../settings/schema.ts";
import { isGone, reason } from "../system-error.ts";
import { anchorOf } from "./trust.ts";

type User = { readonly uid: number; readonly gid: number };
/** `why`: in words. */
type Unusable = { readonly path: string; readonly why: string };

const READ_WRITE = 0o6;
const ENTER_TOO = 0o7;
const MOST_NAMED = 5;

/** By the bits alone: a user's other groups, and access lists, are not known of another user. */
const mayUse = ({ uid, gid, mode }: Stats, user: User, wanted: number): boolean => {
  const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
  return (bits & wanted) === wanted;
};

/** Undefined where this process, or the user in its place, may read and write it, and where it is not there. */
const whyUnusable = (path: string, user: User | undefined): string | undefined => {
  try {
    const found = statSync(path);
    // Sockets and the like are made again.
    if (!found.isFile() && !found.isDirectory()) return undefined;
    if (user === undefined) {
      accessSync(path, constants.R_OK | constants.W_OK | (found.isDirectory() ? constants.X_OK : 0));
      return undefined;
    }
    const [of, bits] = [`${found.uid}:${found.gid}`, (found.mode & 0o777).toString(8).padStart(4, "0")];
    return mayUse(found, user, found.isDirectory() ? ENTER_TOO : READ_WRITE)
      ? undefined
      : `it belongs to ${of}, mode ${bits}`;
  } catch (error) {
    return isGone(error) ? undefined : reason(error);
  }
};

/** What is written to in place. All else is replaced, for which its folder counts. */
const writtenTo = async ({ audit }: Settings): Promise<readonly string[]> => {
  const { dir, checkpoint } = audit;
  const at = places(dir);
  const names = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  const newest = async (ending: string): Promise<readonly string[]> =>
    (await names(at.segments))
      .filter((name) => name.endsWith(ending))
      .toSorted()
      .slice(-1);
  return [
    dir,
    at.lock,
    at.segments,
    at.checkpoints,
    at.states,
    at.indexes,
    at.tilesDirectory,
    dirname(anchorOf({ audit })),
    ...(await names(dir)),
    ...(await names(at.lock)),
    ...(await newest(".jsonl")),
    ...(await newest(".hashes")),
    ...(await names(at.tilesDirectory)),
    ...(await names(at.indexes)),
    ...checkpoint.publish.flatMap((place) => (place.kind === "file" ? [place.path] : [])),
  ];
};

/** Of root it is asked for the owner of the directory, as whom the gateway runs there. */
export const holdToRights = async <Held extends Loaded>(
  loaded: Held,
  file: string,
): Promise<Held | (Held & { readonly ok: false })> => {
  if (!loaded.ok || process.platform === "win32") return loaded;
  const { settings, locate } = loaded;
  const { dir } = settings.audit;
  const owner = statSync(dir, { throwIfNoEntry: false });
  if (!owner) return loaded;
  const isRoot = process.geteuid?.() === 0;
  if (isRoot && owner.uid === 0) return loaded;
  const user = isRoot ? owner : undefined;
  const paths = [...new Set(await writtenTo(settings))];
  const unusable = paths.flatMap((path): readonly Unusable[] => {
    const why = whyUnusable(path, user);
    return why === undefined ? [] : [{ path, why }];
  });
  if (unusable.length === 0) return loaded;
  const problem: Problem = { file, ...locate(["audit", "dir"]), path: "audit.dir", ...wordsFor(unusable, dir, user) };
  return problem.severity === "warning"
    ? { ...loaded, warnings: [...loaded.warnings, problem] }
    : { ...loaded, ok: false, problems: [problem, ...loaded.warnings] };
};

const wordsFor = (
  unusable: readonly Unusable[],
  dir: string,
  user: User | undefined,
): Pick<Problem, "severity" | "code" | "message" | "help"> => {
  const more = unusable.length - MOST_NAMED;
  const what = `${unusable
    .slice(0, MOST_NAMED)
    .map(({ path, why }) => `${path} (${why})`)
    .join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  const owner = user ?? { uid: process.geteuid!(), gid: process.getegid!() };
  const help = `as root: chown ${owner.uid}:${owner.gid} what is named, and chmod u+rw`;
  return user === undefined
    ? { severity: "error", code: "OCSGW-6342", message: `run could not write to what the journal needs: ${what}`, help }
    : {
        severity: "warning",
        code: "OCSGW-6343",
        message: `the owner of ${dir}, uid ${user.uid}, as whom a gateway runs there, could not write to what the journal needs: ${what}`,
        help,
      };
};
