/** The package's command, started with any Node on PATH, and what an installation prints about Node. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { root, run } from "../kit/command.ts";

const bin = join(root, manifest.bin.ocsgw);
/** The system's Node, which may be old, else the one that runs this test. */
const node = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path)) ?? process.execPath;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-bin-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("the package's ocsgw", () => {
  it.each<[string, string[], number, RegExp]>([
    ["its version", ["--version"], 0, /^\d+\.\d+\.\d+\n$/],
    ["wrong usage", ["can", "one"], 2, /missing required argument/],
    ["a valid config", ["check", "-c", "config/ocsgw.yaml"], 0, /^ok {2}/m],
    ["a missing config", ["check", "-c", "no-such-file.yaml"], 3, /no-such-file/],
  ])("runs on the Node that is on PATH, and passes on %s", async (_, args, code, says) => {
    const ran = await run(node, [bin, ...args]);
    expect([ran.code, ran.stdout + ran.stderr]).toEqual([code, expect.stringMatching(says)]);
  });

  it.skipIf(process.platform !== "linux").each<[string, (node: string) => Promise<unknown>]>([
    ["is missing", (file) => rm(file)],
    ["is not executable", (file) => chmod(file, 0o600)],
    ["was made for another system, whose loader is missing", (file) => writeFile(file, "#!/no/such/loader\n")],
    [
      "is a folder",
      async (file) => {
        await rm(file);
        await mkdir(file);
      },
    ],
  ])("runs on the Node on PATH if the package's Node %s", async (_, spoil) => {
    const [pack, name] = [await mkdtemp(join(dir, "it's a pack-")), `node-linux-${process.arch}`];
    const folder = join(pack, "node_modules", name);
    await mkdir(join(folder, "bin"), { recursive: true });
    await mkdir(join(pack, "src/cli"), { recursive: true });
    await writeFile(join(folder, "package.json"), JSON.stringify({ name, version: "24.18.1" }));
    await writeFile(join(folder, "bin/node"), "#!/bin/sh\necho its own\n", { mode: 0o755 });
    await writeFile(join(pack, "package.json"), '{"type":"module"}');
    await writeFile(
      join(pack, "src/cli/main.ts"),
      "console.log(process.execPath, process.env.OCSGW_COMMAND, process.argv[2]);\n",
    );
    const starter = join(pack, "src/cli/ocsgw.js");
    await copyFile(bin, starter);
    expect((await run(process.execPath, [starter, "x"])).stdout).toBe("its own\n");
    await spoil(join(folder, "bin/node"));
    const { code, stdout } = await run(process.execPath, [starter, "x"]);
    expect([code, stdout]).toEqual([0, `${process.execPath} '${starter.replaceAll("'", String.raw`'\''`)}' x\n`]);
  });

  it.skipIf(process.platform === "win32").each(["SIGTERM", "SIGINT"] as const)(
    "passes on %s, and ends with the exit code of the command",
    { timeout: 60_000 },
    async (signal) => {
      const child = spawn(
        node,
        [bin, "witness", "--key", join(dir, `${signal}.pem`), "--state", join(dir, signal), "--bind", "127.0.0.1:0"],
        { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
      );
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
      await new Promise<void>((resolve) => {
        let said = "";
        for (const stream of [child.stdout, child.stderr])
          stream.on("data", (chunk: Buffer) => /127\.0\.0\.1:\d+/.test((said += chunk.toString())) && resolve());
      });
      child.kill(signal);
      expect(await ended).toBe(0);
    },
  );
});

describe("an installation", () => {
  const say = (agent: string) =>
    run(process.execPath, ["src/cli/say-node.js"], { env: { npm_config_user_agent: agent } });

  it("prints only which Node runs ocsgw, if npm runs on another one", async () => {
    const { code, stdout } = await say("npm/10.8.2 node/v20.20.2 linux x64");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(`^ocsgw runs on Node ${process.versions.node.replaceAll(".", "\\.")}, .*Node 20\\.20\\.2`),
    ]);
    expect((await say(`npm/11.0.0 node/v${process.versions.node} linux x64`)).stdout).toBe("");
    expect(manifest.scripts.prepare).toContain("./src/console/after-install.mjs");
    expect(await readFile(join(root, "src/console/after-install.mjs"), "utf8")).toContain('"../cli/say-node.js"');
  });
});

describe.skipIf(process.platform === "win32")("the installation in CI", () => {
  /** An `npm` that fails with these messages, one after the other, and then succeeds. */
  const installing = async (
    ...failures: readonly string[]
  ): Promise<{ code: number | null; tries: number; stdout: string }> => {
    const [count, npm] = [join(dir, "count"), join(dir, "npm")];
    await writeFile(count, "0");
    await writeFile(
      npm,
      `#!/bin/sh\nn=$(($(cat ${count}) + 1)); echo $n > ` +
        `${count}\n${failures.map((said, at) => `[ $n = ${at + 1} ] && echo "${said}" && exit 1\n`).join("")}exit 0\n`,
    );
    await chmod(npm, 0o755);
    const script = await readFile(join(root, ".ci/run"), "utf8");
    const install = /^install\(\) \{\n[\s\S]*?^\}\n/m.exec(script)![0];
    expect(script).toContain("(install && npm test)");
    const { code, stdout } = await run("bash", ["-c", `${install}install`], {
      env: { PATH: `${dir}${delimiter}${process.env["PATH"]}`, CI_RETRY_SECONDS: "0" },
    });
    return { code, stdout, tries: Number(await readFile(count, "utf8")) };
  };

  it.each([
    ["nothing fails", [], 0, 1],
    ["a connection was reset", ["npm error code ECONNRESET"], 0, 2],
    ["the name cannot be looked up, twice", ["npm error code EAI_AGAIN", "npm error code ENOTFOUND"], 0, 3],
    ["the registry has an internal error", ["npm error code E503"], 0, 2],
    ["the network never answers", ["ETIMEDOUT", "ETIMEDOUT", "ETIMEDOUT", "ETIMEDOUT"], 1, 4],
    ["the lock file does not match", ["npm error code EUSAGE"], 1, 1],
    ["a package does not exist", ["npm error code E404"], 1, 1],
  ])("is repeated after network errors only: %s", async (_, failures, code, tries) => {
    expect(await installing(...failures)).toMatchObject({ code, tries });
  });
});
