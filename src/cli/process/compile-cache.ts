/**
 * Compiled code is kept from one start to the next: to strip types and compile costs more CPU than all the rest of a
 * start. Whoever can write to the cache can change what the gateway executes, so it is kept only in a directory that no
 * other user can write to.
 */
import { lstatSync, mkdirSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** systemd's for a service with CacheDirectory=, else the XDG one. */
export const cacheDirectory = ({ CACHE_DIRECTORY, XDG_CACHE_HOME }: Env, home = ownHome()): string | undefined => {
  const [own] = CACHE_DIRECTORY?.split(":") ?? [];
  const above = XDG_CACHE_HOME || (home === undefined ? undefined : join(home, ".cache"));
  const found = own || (above === undefined ? undefined : join(above, "ocsgw"));
  return found !== undefined && isAbsolute(found) ? join(found, "compiled") : undefined;
};

/** A user without a line in passwd and without HOME has none. */
const ownHome = (): string | undefined => {
  try {
    return homedir();
  } catch {
    return undefined;
  }
};

/** Resolves to where code is kept from now on; undefined when it is not, because the place is not ours alone, or cannot be written to. */
export const keepCompiled = (env: NodeJS.ProcessEnv = process.env): string | undefined => {
  // Whoever set one of these has decided: Node keeps it there already, as long as it can, for instance in the image only as the image's user.
  if (module.getCompileCacheDir() !== undefined || env.NODE_DISABLE_COMPILE_CACHE !== undefined) return undefined;
  const dir = cacheDirectory(env);
  if (dir === undefined || !isOursAlone(dir)) return undefined;
  const { directory } = module.enableCompileCache(dir);
  // Threads and child processes ask the environment.
  if (directory !== undefined) env.NODE_COMPILE_CACHE = dir;
  return directory;
};

/** Writes what was compiled so far: at its end a process that is killed could not. */
export const keepCompiledSoFar = (): void => module.flushCompileCache();

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Made with mode 0700 when it is not there. Every folder above it is ours or root's, and nobody else can put another one in its place. */
export const isOursAlone = (dir: string, uid = process.getuid?.()): boolean => {
  // Elsewhere the cache lies in the user's own profile.
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
