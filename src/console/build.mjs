/**
 * Builds the console: src/console → src/console/built. `npm ci` runs it, on whatever Node npm uses from 20 on. Without
 * Vite (`npm ci --omit=dev`) it does nothing, unless `--required` is given. Beside each file lie its gzip and brotli
 * forms, so that no gateway compresses them at its start.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = fileURLToPath(new URL(".", import.meta.url));
const docs = fileURLToPath(new URL("../docs", import.meta.url));
export const built = join(root, "built");

/** Resolves to false where Vite is not installed. Rejects if the build fails. */
export const buildConsole = async () => {
  const vite = await import("vite").catch((/** @type {{ code?: string }} */ error) => {
    if (error.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  });
  if (vite === undefined) return false;
  const { docsPlugin } = await import("./docs/docs-plugin.mjs");
  await vite.build({
    root,
    configFile: false,
    envDir: false,
    logLevel: "warn",
    plugins: [docsPlugin(docs)],
    // Vite builds for development under other values of NODE_ENV, such as that of a test: with paths of this machine.
    oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
    build: {
      outDir: built,
      emptyOutDir: true,
      target: ["chrome123", "firefox128", "safari17.5"],
      modulePreload: { polyfill: false },
      // A file as a data: URL would need an exception in the content security policy.
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      // On a slow machine the bundler reports how long plugins took.
      rolldownOptions: { checks: { bundlerTimings: false } },
    },
  });
  const files = await readdir(built, { recursive: true });
  await Promise.all(files.filter((name) => /\.(?:html|js|css|svg|json)$/.test(name)).map((name) => compress(name)));
  return true;
};

/** @param {string} name */
const compress = async (name) => {
  const file = join(built, name);
  const bytes = await readFile(file);
  const [zipped, brotli] = await Promise.all([
    promisify(gzip)(bytes, { level: 9 }),
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  ]);
  await Promise.all([writeFile(`${file}.gz`, zipped), writeFile(`${file}.br`, brotli)]);
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const isBuilt = await buildConsole();
  if (!isBuilt && process.argv.includes("--required")) {
    console.error("the console cannot be built: Vite is not installed. Run npm ci without --omit=dev");
    process.exitCode = 1;
  }
}
