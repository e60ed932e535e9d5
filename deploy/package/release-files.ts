/** What a release changes in the checkout: every file that names the version, and the changelog. */

const NOT_RELEASED = "## Not released yet";
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(?:rc|beta)\.[1-9]\d*)?$/;

/** The files that `releasedFiles` changes, below the checkout. */
export const FILES = [
  "package.json",
  "package-lock.json",
  "deploy/Dockerfile",
  "deploy/helm/ocs-gateway/Chart.yaml",
  "src/docs/changelog.md",
] as const;

export type Files = Readonly<Record<(typeof FILES)[number], string>>;

/**
 * The files as released, and the release's notes. `date`: YYYY-MM-DD. Throws if the version is lower than the
 * checkout's or released, if the date does not exist, if the changelog has nothing to release, or if a file names no
 * version.
 */
export const releasedFiles = (files: Files, version: string, date: string): { files: Files; notes: string } => {
  const { version: current } = JSON.parse(files["package.json"]) as { version: string };
  requireUnreleased(version, current, files["src/docs/changelog.md"]);
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || new Date(`${date}T00:00:00Z`).toJSON()?.slice(0, 10) !== date)
    throw new Error(`not a date as YYYY-MM-DD: ${date}`);
  const notes = notesIn(files["src/docs/changelog.md"]);
  const inJson = `"version": "${current}"`;
  return {
    files: {
      "package.json": replaced(files, "package.json", inJson, `"version": "${version}"`, 1),
      // Once at the top, once for the package itself.
      "package-lock.json": lockWith(files, inJson, `"version": "${version}"`),
      "deploy/Dockerfile": replaced(
        files,
        "deploy/Dockerfile",
        `ARG VERSION=${current}\n`,
        `ARG VERSION=${version}\n`,
        1,
      ),
      "deploy/helm/ocs-gateway/Chart.yaml": replaced(
        files,
        "deploy/helm/ocs-gateway/Chart.yaml",
        /^((?:appV|v)ersion): .*$/gm,
        `$1: ${version}`,
        2,
      ),
      "src/docs/changelog.md": files["src/docs/changelog.md"].replace(
        NOT_RELEASED,
        `${NOT_RELEASED}\n\nNothing yet.\n\n## ${version}, ${date}`,
      ),
    },
    notes,
  };
};

/** The checkout's own version may be released once. */
const requireUnreleased = (version: string, current: string, changelog: string): void => {
  if (!VERSION.test(version)) throw new Error(`not a version as 1.2.3 or 1.2.3-rc.1: ${version}`);
  if (compare(version, current) < 0) throw new Error(`${version} is lower than the checkout's ${current}`);
  if (changelog.includes(`\n## ${version}, `)) throw new Error(`${version} is released already`);
};

/** By the precedence of Semantic Versioning: a release is higher than its candidates. */
const compare = (a: string, b: string): number => {
  const [left, right] = [a, b].map((each) => each.split(/[.-]/)) as [string[], string[]];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]];
    if (one === other) continue;
    if (one === undefined) return 1;
    if (other === undefined) return -1;
    const difference = Number(one) - Number(other);
    return Number.isNaN(difference) ? (one < other ? -1 : 1) : difference;
  }
  return 0;
};

const notesIn = (changelog: string): string => {
  const [, notes = ""] = new RegExp(`^${NOT_RELEASED}\n([^]*?)(?=^## |(?![^]))`, "m").exec(changelog) ?? [];
  if (!/^- /m.test(notes)) throw new Error(`src/docs/changelog.md has no entry under "${NOT_RELEASED.slice(3)}"`);
  return `${notes.replace("Nothing yet.\n", "").trim()}\n`;
};

const replaced = (files: Files, name: keyof Files, old: string | RegExp, by: string, times: number): string => {
  const found = typeof old === "string" ? files[name].split(old).length - 1 : (files[name].match(old) ?? []).length;
  if (found !== times) throw new Error(`${name} names the version ${found} times, expected ${times}`);
  return files[name].replaceAll(old, by);
};

const lockWith = (files: Files, old: string, by: string): string => {
  const text = files["package-lock.json"];
  // Another package may have the same version, so only the head of the file is changed.
  const end = text.indexOf('"node_modules/');
  const head = replaced({ ...files, "package-lock.json": text.slice(0, end) }, "package-lock.json", old, by, 2);
  return head + text.slice(end);
};
