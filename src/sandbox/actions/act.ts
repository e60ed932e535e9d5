/** The interface of the sandbox's actions: an action gets a request and the world, and answers or throws a Refusal. */
import type { Attributes } from "../../ocs/body.ts";
import type { AttributeName } from "../../ocs/attributes.ts";
import type { Action } from "../../ocs/catalog.ts";
import type { World } from "../world/world.ts";

export type Request = {
  readonly action: Action;
  /** From the URI, decoded and with a valid form; undefined when a GET reads the whole resource. */
  readonly identifier: string | undefined;
  readonly attributes: Attributes;
};

/** A 200. GETs have a body, POSTs have none. */
export type Answer = { readonly body?: object };

/** Throws Refusal. */
export type Act = (world: World, request: Request) => Answer;

export const DONE: Answer = {};

/** An attribute that ocs/body.ts has read as an integer. */
export const integerIn = (attributes: Attributes, name: AttributeName): number | undefined => {
  const value = attributes.get(name);
  return typeof value === "number" ? value : undefined;
};

/** An attribute that ocs/body.ts has read as a string. */
export const textIn = (attributes: Attributes, name: AttributeName): string | undefined => {
  const value = attributes.get(name);
  return typeof value === "string" ? value : undefined;
};
