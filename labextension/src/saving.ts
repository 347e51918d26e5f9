/** Saves files where a browser saves what is downloaded. */

const READ_WITHIN_MS = 60_000;

/** Save a file under its own name. */
export function saveFile(file: File): void {
  const address = URL.createObjectURL(file);
  saveFrom(address, file.name);
  // not before the browser has begun to read it
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, READ_WITHIN_MS);
}

/** Save what is at an address; without a name, under the one that the server gives. */
export function saveFrom(address: string, name = ''): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}
