import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stage, type NewFile } from "../../../src/cli/init/write-files.ts";
import { root } from "../../kit/command.ts";
import { inFolder, LEAST, run } from "./kit.ts";

const folder = inFolder();
const FILES: readonly NewFile[] = [
  { path: "secrets/a.key", text: "a", isSecret: true },
  { path: "b.yaml", text: "b", isSecret: false },
];
const everything = (): string[] => readdirSync(folder(), { recursive: true, encoding: "utf8" }).toSorted();

describe("staged files", () => {
  it("are all in place after the commit, and nothing else is", async () => {
    await stage(join(folder(), "config"), { files: FILES, replace: [] }, ({ commit }) => commit());
    expect(everything()).toEqual(["config", "config/b.yaml", "config/secrets", "config/secrets/a.key"]);
  });

  it.each([
    ["an existing directory", true],
    ["a new one", false],
  ])("leave nothing behind in %s without a commit", async (_, exists) => {
    if (exists) mkdirSync(join(folder(), "config"));
    const before = everything();
    await stage(join(folder(), "config"), { files: FILES, replace: [] }, async () => undefined);
    await expect(
      stage(join(folder(), "config"), { files: FILES, replace: [] }, () => Promise.reject(new Error("broken"))),
    ).rejects.toThrow("broken");
    expect(everything()).toEqual(before);
  });

  it("are put in place all or none, when another program makes one of them meanwhile", async () => {
    const config = join(folder(), "config");
    mkdirSync(config);
    const staged = stage(config, { files: FILES, replace: [] }, async ({ commit }) => {
      writeFileSync(join(config, "b.yaml"), "theirs");
      await commit();
    });
    await expect(staged).rejects.toThrow(`nothing was written: another program has made ${config}/b.yaml meanwhile`);
    expect([everything(), readFileSync(join(config, "b.yaml"), "utf8")]).toEqual([
      ["config", "config/b.yaml"],
      "theirs",
    ]);
  });

  it.skipIf(process.platform === "win32").each([
    ["in an existing directory", "config/"],
    ["beside a new one", ""],
  ])("take no mode from other files %s", async (_, place) => {
    mkdirSync(join(folder(), place), { recursive: true });
    for (const name of ["any", "a.key", "new", ".config"]) {
      writeFileSync(join(folder(), place, name), "theirs");
      chmodSync(join(folder(), place, name), 0o666);
    }
    await stage(join(folder(), "config"), { files: FILES, replace: [] }, ({ commit }) => commit());
    expect(statSync(join(folder(), "config/secrets/a.key")).mode & 0o777).toBe(0o600);
  });

  it("give a replaced file back when a later one cannot be put in place", async () => {
    const config = join(folder(), "config");
    mkdirSync(join(config, "secrets"), { recursive: true });
    writeFileSync(join(config, "secrets/a.key"), "old");
    const staged = stage(config, { files: FILES, replace: ["secrets/a.key"] }, async ({ commit }) => {
      writeFileSync(join(config, "b.yaml"), "theirs");
      await commit();
    });
    await expect(staged).rejects.toThrow("another program has made");
    expect(readFileSync(join(config, "secrets/a.key"), "utf8")).toBe("old");
  });

  it.skipIf(process.platform === "win32")("follow no link that somebody put in their place meanwhile", async () => {
    const theirs = join(folder(), "theirs");
    mkdirSync(theirs, { mode: 0o755 });
    writeFileSync(join(theirs, "a.key"), "theirs", { mode: 0o644 });
    const staged = stage(
      join(folder(), "config"),
      { files: FILES, replace: [] },
      async ({ folder: staging, commit }) => {
        rmSync(join(staging, "secrets"), { recursive: true });
        symlinkSync(theirs, join(staging, "secrets"));
        await commit();
      },
    );
    await expect(staged).rejects.toThrow("cannot be written");
    expect(everything()).toEqual(["theirs", "theirs/a.key"]);
    expect([theirs, join(theirs, "a.key")].map((path) => statSync(path).mode & 0o777)).toEqual([0o755, 0o644]);
  });

  const PROGRAM = `
    import { stage } from ${JSON.stringify(join(root, "src/cli/init/write-files.ts"))};
    await stage(process.argv[1], ${JSON.stringify({ files: FILES, replace: [] })}, async () => {
      console.log("staged");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;

  const interrupted = async (signal: NodeJS.Signals): Promise<readonly [number | null, string]> => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, join(folder(), "x/config")]);
    let said = "";
    child.stderr.on("data", (part: Buffer) => (said += part.toString()));
    await once(child.stdout, "data");
    child.kill(signal);
    const [code] = (await once(child, "close")) as [number | null];
    return [code, said];
  };

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("are removed by %s", async (signal, code) => {
    expect(await interrupted(signal)).toEqual([code, "\ninterrupted; nothing was written\n"]);
    expect(everything()).toEqual([]);
  });

  it("are not in place after SIGKILL, and do not hinder the next init", async () => {
    await interrupted("SIGKILL");
    const before = everything().filter((path) => !path.includes("/."));
    expect(before).toEqual(["x"]);
    const { code } = await run({ ...LEAST, dir: join(folder(), "x/config") });
    expect(code).toBe(0);
  });
});
