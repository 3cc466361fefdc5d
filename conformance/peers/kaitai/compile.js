// Compiles a Kaitai Struct description to Python: compile.js FILE.ksy FOLDER
const fs = require("fs");
const path = require("path");
const compiler = require("kaitai-struct-compiler");
const yaml = require("yaml");

const [source, folder] = process.argv.slice(2);
compiler
  .compile("python", yaml.parse(fs.readFileSync(source, "utf8")), null, false)
  .then((files) => {
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
  })
  .catch((error) => {
    console.error(String(error));
    process.exit(1);
  });
