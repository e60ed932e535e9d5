/**
 * For `check`: whether `run` may use the files in the journal's directory and beside it. A file that another user made
 * there, for example root with a command of an earlier version, stops a gateway at its start or hours later.
 */
import { accessSync, constants, statSync, type Stats } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { paths } from "../../../journal/paths.ts";
import type { Loaded } from "../../../settings/load.ts";
import type { Problem } from "../../../settings/problems/problem.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import { isGone, reason } from "../../../common/system-error.ts";
import { anchorOf } from "./journal-trust.ts";

type User = { readonly uid: number; readonly gid: number };
/** `why`: a phrase for the problem's message. */
type Unusable = { readonly path: string; readonly why: string };

const READ_WRITE = 0o6;
const ENTER_TOO = 0o7;
const MOST_NAMED = 5;

/** Compares mode bits only: another user's supplementary groups and access control lists are unknown. */
const mayUse = ({ uid, gid, mode }: Stats, user: User, wanted: number): boolean => {
  const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
  return (bits & wanted) === wanted;
};

/** Why this process, or `user`, may not read and write the path; undefined if it may, or if the path does not exist. */
const whyUnusable = (path: string, user: User | undefined): string | undefined => {
  try {
    const found = statSync(path);
    // Sockets and other special files are made again.
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

/** The files that are written in place. Other files are replaced, which only needs rights on their folder. */
const writtenTo = async ({ audit }: Settings): Promise<readonly string[]> => {
  const { dir, checkpoint, forward } = audit;
  const at = paths(dir);
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
    at.forward,
    ...forward.flatMap(({ to }) => (to.kind === "file" ? [to.path] : [])),
    ...checkpoint.publish.flatMap((place) => (place.kind === "file" ? [place.path] : [])),
  ];
};

/** Checks the rights of this process; for root, those of the directory's owner, as whom the gateway runs. */
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
  const help = `as root, run chown ${owner.uid}:${owner.gid} and chmod u+rw for these paths`;
  return user === undefined
    ? {
        severity: "error",
        code: "OCSGW-6342",
        message: `the gateway cannot read and write these paths of the journal: ${what}`,
        help,
      }
    : {
        severity: "warning",
        code: "OCSGW-6343",
        message: `uid ${user.uid}, the owner of ${dir}, cannot read and write these paths of the journal: ` + what,
        help,
      };
};
