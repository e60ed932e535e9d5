const UNITS = [
  [1 << 30, "GiB"],
  [1 << 20, "MiB"],
  [1 << 10, "KiB"],
] as const;

/** A size as text, such as `10 GiB` or `1.5 MiB`. */
export const inSize = (bytes: number): string => {
  const [size, unit] = UNITS.find(([each]) => bytes >= each) ?? [1, "bytes"];
  return `${Number((bytes / size).toFixed(1))} ${unit}`;
};
