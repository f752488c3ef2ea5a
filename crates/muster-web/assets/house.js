// Makes the pages live and saves a reload here and there. Everything works without it.
import { start as times } from "./times.js";
import { start as live } from "./live.js";
import { start as dialogs } from "./dialogs.js";
import { start as forms } from "./forms.js";

times();
dialogs();
forms();
live();
