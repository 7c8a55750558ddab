import { KeyFolder } from "../../security/key-folder.js";
import { keyText } from "../../security/keys.js";
import { CommandError, EXIT, usageError } from "../exit.js";
import { keysSetting } from "../settings.js";
import { formatTable } from "../table.js";

/** Flags of `lamplighter keys …`. */
export interface KeysFlags {
  /** `--keys`: the folder. */
  readonly keys?: string;
  /** `--nameserver`: the key is the nameserver's. */
  readonly nameserver?: boolean;
}

/** `lamplighter keys generate`: makes a folder with keys, prints the public one. */
export function generateKeysCommand(flags: KeysFlags): void {
  process.stdout.write(`${keyText(KeyFolder.generate(folderOf(flags)).keys.publicKey)}\n`);
}

/** `lamplighter keys show`: its public key, the nameserver's, and who is trusted. */
export function showKeysCommand(flags: KeysFlags): void {
  const folder = KeyFolder.open(folderOf(flags));
  const { nameserverKey } = folder;
  const rows = [
    ["public", "", keyText(folder.keys.publicKey)],
    ...(nameserverKey ? [["nameserver", "", keyText(nameserverKey)]] : []),
    ...[...folder.trusted].map(([name, key]) => ["trusted", name, keyText(key)]),
  ];
  process.stdout.write(`${formatTable(["key", "name", "text"], rows)}\n`);
}

/** `lamplighter keys trust NAME KEY`, or `keys trust --nameserver KEY` */
export function trustKeyCommand(words: readonly string[], flags: KeysFlags): void {
  const wanted = flags.nameserver ? 1 : 2;
  if (words.length !== wanted)
    throw usageError(`keys trust wants ${flags.nameserver ? "--nameserver KEY" : "NAME KEY"}`);
  const folder = KeyFolder.open(folderOf(flags));
  const [first = "", second = ""] = words;
  if (flags.nameserver) folder.pinNameserver(first);
  else folder.trust(first, second);
}

/** `lamplighter keys revoke NAME` */
export function revokeKeyCommand(name: string, flags: KeysFlags): void {
  if (!KeyFolder.open(folderOf(flags)).revoke(name)) {
    throw new CommandError(`No key is trusted under the name ${name}`, EXIT.refused);
  }
}

function folderOf(flags: KeysFlags): string {
  const folder = keysSetting(flags.keys);
  if (folder === undefined) throw usageError("Which folder? --keys DIR, or the environment variable LAMPLIGHTER_KEYS");
  return folder;
}
