/** The package's own package.json and npm-shrinkwrap.json, from those of the checkout. */

export type Dependencies = Readonly<Record<string, string>>;

/** The checkout's package.json, as far as the package takes it. */
export type Checkout = {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies: Dependencies;
  readonly optionalDependencies: Dependencies;
};

export type LockedPackage = {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly name?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
};

export type Lock = {
  readonly name: string;
  readonly version: string;
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/** The starter runs on this Node and later; the gateway on the Node that the package brings, or on 24.18.1 and later. */
const ENGINES = { node: ">=20" };

const built = (path: string): string => path.replace(/^(\.\/)?src\//, "$1lib/").replace(/\.ts$/, ".js");

/** `files`: what npm puts into the tarball beside package.json, README and LICENSE. */
export const packageManifest = (checkout: Checkout, files: readonly string[]): Readonly<Record<string, unknown>> => ({
  name: checkout.name,
  version: checkout.version,
  description: checkout.description,
  license: checkout.license,
  type: "module",
  bin: Object.fromEntries(Object.entries(checkout.bin).map(([name, path]) => [name, built(path)])),
  exports: {
    ...Object.fromEntries(
      Object.entries(checkout.exports ?? {}).map(([name, path]) => [
        name,
        { types: built(path).replace(/\.js$/, ".d.ts"), default: built(path) },
      ]),
    ),
    "./package.json": "./package.json",
  },
  files,
  engines: ENGINES,
  dependencies: checkout.dependencies,
  optionalDependencies: checkout.optionalDependencies,
});

/** The locked packages that an installation without development packages has, by their path. */
export const productionPackages = ({ packages }: Lock): ReadonlyMap<string, LockedPackage> =>
  new Map(Object.entries(packages).filter(([path, { dev }]) => path !== "" && dev !== true));

/** npm installs exactly these versions with these checksums, also below another package. */
export const shrinkwrap = (
  lock: Lock,
  manifest: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const { name, version, license, bin, engines, dependencies, optionalDependencies } = manifest;
  return {
    name,
    version,
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages: {
      "": { name, version, license, dependencies, bin, engines, optionalDependencies },
      ...Object.fromEntries(productionPackages(lock)),
    },
  };
};
