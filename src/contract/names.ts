/** The names of an action in the typed client, from its names in OCS. */
import type { Action, ResourceName } from "../ocs/catalog.ts";

/** `customer_ids` → `customerIds`. */
export const RESOURCE_FUNCTIONS: Readonly<Record<ResourceName, string>> = {
  records: "records",
  phones: "phones",
  customer_ids: "customerIds",
  lists: "lists",
  campaigngroups: "campaignGroups",
};

/** The call `api.<resource>(identifier).<method>(body)`: `DoNotCall` on phones is `api.phones("…").doNotCall()`. */
export const clientCall = ({ resource, name }: Action): { readonly resource: string; readonly method: string } => ({
  resource: RESOURCE_FUNCTIONS[resource],
  method: `${name.charAt(0).toLowerCase()}${name.slice(1)}`,
});

/** An id that names one row of the action table: `phones.DoNotCall`. */
export const idOf = ({ resource, name }: Action): string => `${resource}.${name}`;

/** The type of the action's body in the typed client: `PhonesDoNotCall`. */
export const typeName = (action: Action): string => {
  const { resource, method } = clientCall(action);
  return capitalized(resource) + capitalized(method);
};

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
