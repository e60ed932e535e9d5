import { describe, expect, it } from "vitest";
import { releasedFiles, type Files } from "../../../deploy/package/release-files.ts";

const FILES: Files = {
  "package.json": '{\n  "name": "ocs-gateway",\n  "version": "0.9.0"\n}\n',
  "package-lock.json":
    '{\n  "version": "0.9.0",\n  "packages": {\n    "": {\n      "version": "0.9.0"\n    },\n' +
    '    "node_modules/a": {\n      "version": "0.9.0"\n    }\n  }\n}\n',
  "deploy/Dockerfile": "FROM scratch\nARG VERSION=0.9.0\n",
  "deploy/helm/ocs-gateway/Chart.yaml": "apiVersion: v2\nversion: 0.9.0\nappVersion: 0.9.0\n",
  "src/docs/changelog.md":
    "# Changelog\n\n## Not released yet\n\n- New.\n  Second line.\n\n## 0.8.0, 2026-01-01\n\n- Old.\n",
};

describe("releasedFiles", () => {
  it("sets the version wherever the product has it, and in no other package", () => {
    const { files } = releasedFiles(FILES, "1.0.0", "2026-12-01");
    expect(files["package.json"]).toContain('"version": "1.0.0"');
    expect(files["package-lock.json"].match(/"version": "1\.0\.0"/g)).toHaveLength(2);
    expect(files["package-lock.json"]).toContain('"node_modules/a": {\n      "version": "0.9.0"');
    expect(files["deploy/Dockerfile"]).toBe("FROM scratch\nARG VERSION=1.0.0\n");
    expect(files["deploy/helm/ocs-gateway/Chart.yaml"]).toBe("apiVersion: v2\nversion: 1.0.0\nappVersion: 1.0.0\n");
  });

  it("dates the section of the changelog, begins a new one, and returns the section as notes", () => {
    const { files, notes } = releasedFiles(FILES, "1.0.0", "2026-12-01");
    expect(files["src/docs/changelog.md"]).toBe(
      "# Changelog\n\n## Not released yet\n\nNothing yet.\n\n## 1.0.0, 2026-12-01\n\n- New.\n  Second line.\n\n" +
        "## 0.8.0, 2026-01-01\n\n- Old.\n",
    );
    expect(notes).toBe("- New.\n  Second line.\n");
  });

  it("can release again after the next entry, and not before", () => {
    const { files } = releasedFiles(FILES, "1.0.0", "2026-12-01");
    expect(() => releasedFiles(files, "1.0.1", "2026-12-02")).toThrow(/no entry under "Not released yet"/);
    const next = files["src/docs/changelog.md"].replace("Nothing yet.\n", "Nothing yet.\n\n- Newer.\n");
    expect(releasedFiles({ ...files, "src/docs/changelog.md": next }, "1.0.1", "2026-12-02").notes).toBe("- Newer.\n");
  });

  it.each(["0.9.0", "0.9.1", "0.10.0", "1.0.0-rc.1", "10.0.0"])("accepts %s after 0.9.0", (version) => {
    expect(() => releasedFiles(FILES, version, "2026-12-01")).not.toThrow();
  });

  it.each([
    ["0.8.9", "2026-12-01", /lower than the checkout's 0\.9\.0/],
    ["0.9.0-rc.1", "2026-12-01", /lower than the checkout's 0\.9\.0/],
    ["1.0", "2026-12-01", /not a version/],
    ["v1.0.0", "2026-12-01", /not a version/],
    ["01.0.0", "2026-12-01", /not a version/],
    ["1.0.0", "2026-02-30", /not a date/],
    ["1.0.0", "01.12.2026", /not a date/],
    ["1.0.0", "", /not a date/],
  ])("refuses version %s of %j", (version, date, says) => {
    expect(() => releasedFiles(FILES, version, date)).toThrow(says);
  });

  it("refuses to release a version twice", () => {
    const changelog = FILES["src/docs/changelog.md"].replace("0.8.0", "0.9.0");
    expect(() => releasedFiles({ ...FILES, "src/docs/changelog.md": changelog }, "0.9.0", "2026-12-01")).toThrow(
      "0.9.0 is released already",
    );
  });

  it.each(["package.json", "package-lock.json", "deploy/Dockerfile", "deploy/helm/ocs-gateway/Chart.yaml"] as const)(
    "names %s if it does not have the version",
    (name) => {
      const other = { ...FILES, [name]: name === "package.json" ? '{ "version" : "0.9.0" }' : "nothing" };
      expect(() => releasedFiles(other, "1.0.0", "2026-12-01")).toThrow(`${name} names the version 0 times`);
    },
  );
});
