/**
 * Caches compiled code between starts, because stripping types and compiling costs more CPU than the rest of a start.
 * Whoever can write to the cache can change what the gateway executes, so it is used only in a directory that no other
 * user can write to.
 */
import { lstatSync, mkdirSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** The directory of systemd's CacheDirectory=, else the XDG cache directory. */
export const cacheDirectory = ({ CACHE_DIRECTORY, XDG_CACHE_HOME }: Env, home = ownHome()): string | undefined => {
  const [own] = CACHE_DIRECTORY?.split(":") ?? [];
  const above = XDG_CACHE_HOME || (home === undefined ? undefined : join(home, ".cache"));
  const found = own || (above === undefined ? undefined : join(above, "ocsgw"));
  return found !== undefined && isAbsolute(found) ? join(found, "compiled") : undefined;
};

/** Undefined for a user without a line in passwd and without HOME. */
const ownHome = (): string | undefined => {
  try {
    return homedir();
  } catch {
    return undefined;
  }
};

/** The cache directory from now on; undefined when other users can write to it, or this one cannot. */
export const keepCompiled = (env: NodeJS.ProcessEnv = process.env): string | undefined => {
  // The user configured Node's own cache, as the container image does.
  if (module.getCompileCacheDir() !== undefined || env.NODE_DISABLE_COMPILE_CACHE !== undefined) return undefined;
  const dir = cacheDirectory(env);
  if (dir === undefined || !isPrivateFolder(dir)) return undefined;
  const { directory } = module.enableCompileCache(dir);
  // For threads and child processes.
  if (directory !== undefined) env.NODE_COMPILE_CACHE = dir;
  return directory;
};

/** Writes the cache now, because a process that is killed cannot write it at its end. */
export const keepCompiledSoFar = (): void => module.flushCompileCache();

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Creates the directory with mode 0700. True when no other user can write to it or replace a folder above it. */
export const isPrivateFolder = (dir: string, uid = process.getuid?.()): boolean => {
  // Windows: the cache is in the user's own profile.
  if (uid === undefined) return true;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const own = lstatSync(dir);
    if (!own.isDirectory() || own.uid !== uid || (own.mode & OTHERS_WRITE) !== 0) return false;
    for (let above = dirname(dir); ; above = dirname(above)) {
      const { uid: owner, mode } = lstatSync(above);
      if (owner !== uid && owner !== 0) return false;
      if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) return false;
      if (above === dirname(above)) return true;
    }
  } catch {
    return false;
  }
};
