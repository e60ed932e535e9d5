/** A field in a process of its own, so that its memory and its descriptors are its alone. Tells its doors, and ends when its parent goes. */
import { aField } from "./field.ts";

const field = await aField();
process.once("disconnect", () => void field.close().then(() => process.exit(0)));
process.send!({ ports: field.ports, ca: field.ca });
