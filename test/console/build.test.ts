/** What `npm ci` makes of the console. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { built } from "../../src/console/build.mjs";
import { root, run, type Ran } from "../kit/command.ts";

const files = readdirSync(built, { recursive: true, encoding: "utf8" });
const read = (name: string): string => readFileSync(join(built, name), "utf8");

const zippedSize = (names: readonly string[]): number =>
  names.reduce((sum, name) => sum + readFileSync(join(built, `${name}.gz`)).length, 0);

describe("the built console", () => {
  it("loads at most 200 kB for its first page, compressed with gzip", () => {
    const html = read("index.html");
    const atOnce = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css|svg))"/g)].map(([, name]) => name!);
    expect(atOnce.length).toBeGreaterThan(3);
    expect(zippedSize(["index.html", ...atOnce])).toBeLessThan(225_000);
  });

  it("loads the pages of the documentation only with Help, compressed", () => {
    const docs = files.filter((name) => /^assets\/docs-[\w-]{8}\.json$/.test(name));
    expect(docs).toHaveLength(1);
    expect(read("index.html")).not.toContain("docs-");
    const pages = JSON.parse(read(docs[0]!)) as readonly { readonly name: string }[];
    expect(pages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["explanation~journal", "glossary", "decisions~README"]),
    );
    expect(zippedSize(docs)).toBeLessThan(225_000);
  });

  it("has no inline script or style", () => {
    const html = read("index.html");
    expect(html).toMatch(/<script src="\/theme\.js"><\/script>/);
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/);
  });

  it("loads nothing from elsewhere", () => {
    const urls = files
      .filter((name) => /\.(?:html|css|js|svg)$/.test(name))
      .flatMap((name) => read(name).match(/https?:\/\/[^\s"'`)]+/g) ?? []);
    // Names of XML languages, which nobody fetches.
    expect(urls.filter((url) => !url.startsWith("http://www.w3.org/"))).toEqual([]);
  });
});

describe("npm ci", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ocsgw-build-"));
    for (const name of ["package.json", "tsconfig.json"]) cpSync(join(root, name), join(dir, name));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const bringSources = (): void => {
    cpSync(join(root, "src/console"), join(dir, "src/console"), {
      recursive: true,
      filter: (path) => !path.startsWith(built.replace(/\/$/, "")),
    });
    cpSync(join(root, "src/cli/say-node.js"), join(dir, "src/cli/say-node.js"));
    for (const name of ["src/docs", "src/documentation"])
      cpSync(join(root, name), join(dir, name), { recursive: true });
  };
  const prepare = (): Promise<Ran> => {
    const { scripts } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as { scripts: { prepare: string } };
    return run("sh", ["-c", scripts.prepare], { cwd: dir, env: { npm_config_user_agent: "" } });
  };

  it("builds the console", async () => {
    bringSources();
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    expect(await prepare()).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(join(dir, "src/console/built"))).toEqual(
      expect.arrayContaining(["index.html", "index.html.br", "index.html.gz", "theme.js", "assets"]),
    );
  });

  it("fails and says where, if a source is wrong", async () => {
    bringSources();
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    writeFileSync(join(dir, "src/console/router.ts"), "export const = 1;\n");
    const { code, stderr } = await prepare();
    expect(code).toBe(1);
    expect(stderr).toContain("src/console/router.ts");
  });

  it("says nothing and builds nothing where Vite is not installed", async () => {
    bringSources();
    expect(await prepare()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(existsSync(join(dir, "src/console/built"))).toBe(false);
    const required = await run(process.execPath, [join(dir, "src/console/build.mjs"), "--required"]);
    expect(required).toMatchObject({ code: 1, stderr: expect.stringContaining("Vite is not installed") });
  });

  it("says nothing where only package.json and the lock are there, as in the image's build", async () => {
    expect(await prepare()).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});
