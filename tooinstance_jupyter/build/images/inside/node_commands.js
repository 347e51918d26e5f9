// Lists the commands of a package that npm installed globally; run by image builds.
// Arguments: the prefix, and the package's name.
const fs = require("fs");
const path = require("path");
const [prefix, name] = process.argv.slice(2);
const place = path.join(prefix, "lib", "node_modules", name, "package.json");
const { bin } = JSON.parse(fs.readFileSync(place, "utf8"));
const names = typeof bin === "string" ? [name.split("/").pop()] : Object.keys(bin || {});
for (const command of names) {
  const file = path.join(prefix, "bin", command);
  if (/^[A-Za-z0-9][\w.-]*$/.test(command) && fs.existsSync(file)) {
    console.log(`${command}\t${file}`);
  }
}
