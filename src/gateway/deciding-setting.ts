/**
 * The setting that caused a refusal, as a path in the config: `tenants[0].limits.requests`. The stage that refuses sets
 * it; the journal stores it, and `can` and `explain` show it.
 */
import type { Tenant } from "../tenancy/registry.ts";

export type Setting = { readonly setting?: string };

/** Empty when the tenant's position in the config is unknown. */
export const settingOf = ({ place }: Tenant, ...path: readonly string[]): Setting =>
  place === undefined ? {} : { setting: `tenants[${place}]${pathText(path)}` };

export const upstreamSetting = (upstream: string, ...path: readonly string[]): Setting => ({
  setting: `upstreams${pathText([upstream, ...path])}`,
});

/** The same notation as in config problems. */
const pathText = (path: readonly string[]): string =>
  path.map((part) => `.${/^[\w-]+$/.test(part) ? part : JSON.stringify(part)}`).join("");

/** `["tenants", 0, "limits"]` → `tenants[0].limits` */
export const settingText = (path: readonly (string | number)[]): string =>
  path
    .map((part) => (typeof part === "number" ? `[${part}]` : pathText([part])))
    .join("")
    .replace(/^\./, "");

const PART = /\[(\d+)\]|\.?(?:("(?:\\.|[^"\\])*")|([\w-]+))/y;

/** `tenants[0].limits.requests` → ["tenants", 0, "limits", "requests"]; undefined for a text that is not a path. */
export const readSetting = (setting: string): readonly (string | number)[] | undefined => {
  const path: (string | number)[] = [];
  for (PART.lastIndex = 0; PART.lastIndex < setting.length;) {
    const [, index, quoted, plain] = PART.exec(setting) ?? [];
    const part = index === undefined ? (quoted === undefined ? plain : (JSON.parse(quoted) as string)) : Number(index);
    if (part === undefined) return undefined;
    path.push(part);
  }
  return path;
};
