/**
 * Which setting decided, as a path in the config file: `tenants[0].limits.requests`. Written where the refusal is
 * thrown, and shown by `explain`.
 */
import type { Tenant } from "../tenants/register.ts";

type More = { readonly setting?: string };

/** As messages about the config write it. */
const written = (path: readonly string[]): string =>
  path.map((part) => `.${/^[\w-]+$/.test(part) ? part : JSON.stringify(part)}`).join("");

/** Nothing of a tenant whose place in the config is not known. */
export const settingOf = ({ place }: Tenant, ...path: readonly string[]): More =>
  place === undefined ? {} : { setting: `tenants[${place}]${written(path)}` };

export const upstreamSetting = (upstream: string, ...path: readonly string[]): More => ({
  setting: `upstreams${written([upstream, ...path])}`,
});
