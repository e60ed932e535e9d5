/** The software bill of materials of the package: CycloneDX, as npm makes it from the locked packages. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { productionPackages, type Lock } from "./manifest.ts";

type Hash = { readonly alg: string; readonly content: string };
type Component = {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly Hash[];
};

export type Sbom = {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly component: Component };
  readonly components: readonly Component[];
};

/**
 * `folder` holds package.json and npm-shrinkwrap.json. Equal locked packages give equal bytes: there is no time of day
 * in it, and the serial number comes from the content.
 */
export const sbomOf = (folder: string, name: string): Sbom => {
  const args = ["sbom", "--package-lock-only", "--omit=dev", "--sbom-format=cyclonedx", "--sbom-type=application"];
  const made = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: PIPED })) as Sbom;
  const { timestamp: _, ...metadata } = made.metadata;
  // npm calls the component as its folder is called, and an alias (npm:http-proxy-3) as it is imported.
  const components = made.components.map((each) => ({ ...each, name: nameIn(each["bom-ref"]) }));
  const component = { ...metadata.component, name };
  const content = { ...made, metadata: { ...metadata, component }, components, serialNumber: "" };
  return { ...content, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}` };
};

const nameIn = (reference: string): string => reference.slice(0, reference.lastIndexOf("@"));

const PIPED: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];

/** RFC 9562, version 8: bits of a digest. */
const uuidOf = (text: string): string => {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** What one has and the other has not: `lock: NAME@VERSION HASH` or `sbom: …`. Empty if both list the same packages. */
export const differences = (sbom: Sbom, lock: Lock): readonly string[] => {
  const listed = new Set(
    sbom.components.map(({ name, version, hashes = [] }) => `${name}@${version} ${textOf(hashes)}`),
  );
  const locked = new Set(
    [...productionPackages(lock)].map(([path, { name, version = "", integrity = "" }]) => {
      const called = name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
      return `${called}@${version} ${hexOf(integrity)}`;
    }),
  );
  const only = (a: ReadonlySet<string>, b: ReadonlySet<string>, whose: string): string[] =>
    [...a].filter((each) => !b.has(each)).map((each) => `${whose}: ${each}`);
  return [...only(locked, listed, "lock"), ...only(listed, locked, "sbom")];
};

const textOf = (hashes: readonly Hash[]): string => hashes.map(({ alg, content }) => `${alg}:${content}`).join(" ");

const hexOf = (integrity: string): string =>
  integrity
    .split(" ")
    .map((each) => [each.slice(0, each.indexOf("-")), each.slice(each.indexOf("-") + 1)] as const)
    .map(([alg, base64]) => `${alg.replace("sha", "SHA-")}:${Buffer.from(base64, "base64").toString("hex")}`)
    .join(" ");
