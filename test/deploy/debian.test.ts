/** The Debian package: what it contains, that it installs and runs, and that it stays the same. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { run } from "../kit/command.ts";
import { describeWith, describeIf } from "../kit/machine.ts";
import { deploy } from "./kit.ts";
import { stage } from "./package/kit.ts";

// It is 150 MB, of which Node is 120.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const isLinux = process.platform === "linux" && process.getuid?.() === 0;

describeWith(["dpkg-deb", "dpkg"], "the Debian package", (dpkgDeb) => {
  describeIf(isLinux, "root on Linux", "made of the package", () => {
    let dir = "";
    let deb = "";
    const installed = (): string => join(dir, "root");

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), "ocsgw-debian-"));
      const staged = stage({ libraries: true });
      const made = await run("sh", [join(deploy, "debian-package.sh"), join(dir, "out")], {
        cwd: staged.dir,
        env: { COMPRESSION: "none" },
      });
      staged.remove();
      expect([made.code, made.stderr]).toEqual([0, ""]);
      deb = made.stdout.trim();
    });
    afterAll(() => rmSync(dir, { recursive: true }));

    it("has the version, what it depends on, and scripts that a shell can read", async () => {
      const { stdout } = await run(dpkgDeb!, ["--field", deb, "Package", "Version", "Depends", "Architecture"]);
      expect(stdout).toContain(`Package: ocs-gateway\nVersion: ${manifest.version}\n`);
      expect(stdout).toMatch(/^Depends: libc6 \(>= 2\.28\), libstdc\+\+6$/m);
      await run(dpkgDeb!, ["--control", deb, join(dir, "control")]);
      for (const each of ["postinst", "prerm", "postrm"])
        expect((await run("sh", ["-n", join(dir, "control", each)])).stderr).toBe("");
      const sums = readFileSync(join(dir, "control/md5sums"), "utf8").trimEnd().split("\n");
      expect(sums.length).toBeGreaterThan(1000);
    });

    it("belongs to root, is writable by nobody else, and has each file where it is expected", async () => {
      const { stdout } = await run("sh", ["-c", 'dpkg-deb --contents "$1"', "sh", deb]);
      const files = stdout.trimEnd().split("\n");
      const wrong = files.filter(
        (line) => !/^(?:l|[-d]r[-w][-x]r-[-x]r-[-x]) *root\/root|^lrwxrwxrwx root\/root/.test(line),
      );
      expect(wrong).toEqual([]);
      const names = files.map((line) => line.replace(/^(?:\S+ +){5}/, "").replace(/ -> .*/, ""));
      expect(names).toEqual(
        expect.arrayContaining([
          "./lib/systemd/system/ocsgw.service",
          "./lib/systemd/system/ocsgw.socket",
          "./opt/ocsgw/lib/cli/main.js",
          "./opt/ocsgw/node_modules/.bin/node",
          "./opt/ocsgw/sbom.cdx.json",
          "./usr/bin/ocsgw",
          "./usr/share/doc/ocs-gateway/changelog.gz",
          "./usr/share/doc/ocs-gateway/copyright",
        ]),
      );
      expect(names.filter((name) => /\/include\/|\/vitest\/|\/typescript\//.test(name))).toEqual([]);
    });

    it("installs, and its command runs on the Node that it contains", async () => {
      for (const each of ["var/lib/dpkg/updates", "var/lib/dpkg/info", "var/log"])
        mkdirSync(join(installed(), each), { recursive: true });
      for (const each of ["status", "available"]) writeFileSync(join(installed(), "var/lib/dpkg", each), "");
      const flags = ["--root", installed(), "--force-depends", "--force-not-root", "--no-triggers"];
      const { code, stderr } = spawnDpkg([...flags, "--unpack", deb]);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      const command = [join(installed(), "opt/ocsgw/deploy/ocsgw"), "--version"];
      const ran = await run("env", ["-i", "PATH=/usr/bin:/bin", "sh", ...command]);
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, `${manifest.version}\n`, ""]);
      const status = readFileSync(join(installed(), "var/lib/dpkg/status"), "utf8");
      expect(status).toContain("Package: ocs-gateway\nStatus: install ok unpacked\n");
    });
  });
});

const spawnDpkg = (args: readonly string[]): { code: number | null; stderr: string } => {
  const { status, stderr } = spawnSync("dpkg", args, { encoding: "utf8" });
  return { code: status, stderr };
};
