// Compares sv2 with two implementations of age, in both directions, and with the vectors of age.
//   node interop.mjs SV2 AGE_FOLDER     both are paths; AGE_FOLDER has age and age-keygen
// The age file of a stanza is taken out of a stream and opened by the others. Their age files take
// its place, and sv2 opens the stream.
import { execFileSync, spawnSync } from "node:child_process";
import { createCipheriv, hkdfSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inflateSync } from "node:zlib";
import * as age from "age-encryption";
import * as vectors from "cctv-age";

const [sv2, ageFolder] = process.argv.slice(2).map((path) => resolve(path));
const folder = mkdtempSync(join(tmpdir(), "sv2-age-"));
process.chdir(folder);
const HEADER_LEN = 128;
const AGE_STANZA = 2;
const PADDING = 0xffff;

function sv2Code(...args) {
  return spawnSync(sv2, args, { stdio: ["ignore", "ignore", "ignore"] }).status;
}

function sv2Text(...args) {
  return execFileSync(sv2, args, { stdio: ["ignore", "pipe", "ignore"] }).toString().trim();
}

function native(program, args, input) {
  return execFileSync(join(ageFolder, program), args, { input, stdio: ["pipe", "pipe", "ignore"] });
}

// CRC-32C, bit by bit.
function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function envelopeOf(stream) {
  const stanzas = [];
  // Stanzas end where the padding does, so the length follows from them.
  let at = HEADER_LEN;
  for (;;) {
    const [type, len] = [stream.readUInt16LE(at), stream.readUInt16LE(at + 2)];
    stanzas.push({ type, body: stream.subarray(at + 4, at + 4 + len) });
    at += 4 + len;
    if (type === PADDING) return { stanzas, end: at };
  }
}

function ageFileOf(stream) {
  return envelopeOf(stream).stanzas.find((stanza) => stanza.type === AGE_STANZA).body;
}

// Puts another age file into the envelope, which keeps its length.
function withAgeFile(stream, file) {
  const { end } = envelopeOf(stream);
  const envelope = Buffer.alloc(end - HEADER_LEN);
  envelope.writeUInt16LE(AGE_STANZA, 0);
  envelope.writeUInt16LE(file.length, 2);
  Buffer.from(file).copy(envelope, 4);
  const padding = 4 + file.length;
  if (padding + 4 > envelope.length) throw new Error("the age file is too long");
  envelope.writeUInt16LE(PADDING, padding);
  envelope.writeUInt16LE(envelope.length - padding - 4, padding + 2);
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32c(envelope));
  return Buffer.concat([stream.subarray(0, HEADER_LEN), envelope, crc, stream.subarray(end + 4)]);
}

const failures = [];
let checks = 0;
function check(what, holds) {
  checks += 1;
  if (!holds) failures.push(what);
}

// sv2 opens a stream whose content key it gets as the key of a key file.
function isContentKey(stream, key) {
  writeFileSync("content.key", `sv2-key-1 ${"0".repeat(32)} ${Buffer.from(key).toString("hex")}\n`);
  return key.length === 32 && sv2Code("verify", "-k", "content.key", stream) === 0;
}

async function npmDecrypt(file, identity) {
  const decrypter = new age.Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(file);
}

async function npmEncrypt(plaintext, recipient) {
  const encrypter = new age.Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(plaintext);
}

function identityIn(file) {
  return readFileSync(file, "utf8").split("\n").find((line) => line.startsWith("AGE-SECRET-KEY-"));
}

function opens(stream, identity, file) {
  writeFileSync("spliced.sv2", withAgeFile(readFileSync(stream), file));
  return sv2Code("verify", "-i", identity, "spliced.sv2") === 0;
}

async function bothWays() {
  writeFileSync("data", "x".repeat(100000));
  const x25519 = sv2Text("keygen", "--identity", "-o", "x25519");
  const hybrid = sv2Text("keygen", "--identity", "--pq", "-o", "hybrid");
  native("age-keygen", ["-o", "theirs"]);
  const theirs = native("age-keygen", ["-y", "theirs"]).toString().trim();
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", "ssh"]);
  const ssh = readFileSync("ssh.pub", "utf8").trim();
  sv2Text("encrypt", "-r", x25519, "-r", theirs, "-r", ssh, "data", "-o", "classic.sv2");
  sv2Text("encrypt", "-r", hybrid, "data", "-o", "hybrid.sv2");
  const classic = ageFileOf(readFileSync("classic.sv2"));
  for (const identity of ["x25519", "theirs", "ssh"]) {
    const key = native("age", ["-d", "-i", identity], classic);
    check(`age opens for ${identity}`, isContentKey("classic.sv2", key));
    check(`sv2 opens with ${identity}`, sv2Code("verify", "-i", identity, "classic.sv2") === 0);
  }
  const key = native("age", ["-d", "-i", "x25519"], classic);
  for (const [identity, recipient] of [["x25519", x25519], ["theirs", theirs], ["ssh", ssh]]) {
    check(`sv2 opens age for ${identity}`, opens("classic.sv2", identity, native("age", ["-r", recipient], key)));
  }
  for (const [name, stream, recipient] of [["x25519", "classic.sv2", x25519], ["hybrid", "hybrid.sv2", hybrid]]) {
    const key = await npmDecrypt(ageFileOf(readFileSync(stream)), identityIn(name));
    check(`age-encryption opens ${name}`, isContentKey(stream, key));
    check(`sv2 opens age-encryption for ${name}`, opens(stream, name, await npmEncrypt(key, recipient)));
  }
  const pq = await age.generateHybridIdentity();
  writeFileSync("npm", pq);
  const toPq = await age.identityToRecipient(pq);
  sv2Text("encrypt", "-r", toPq, "data", "-o", "npm.sv2");
  check("age-encryption opens its own hybrid", isContentKey("npm.sv2", await npmDecrypt(ageFileOf(readFileSync("npm.sv2")), pq)));
  check("sv2 opens with a hybrid identity of age-encryption", sv2Code("verify", "-i", "npm", "npm.sv2") === 0);
}

// The crate age reads stanzas of early versions of age, too: their body may have no last line.
const LENIENT = ["stanza_missing_body", "stanza_missing_final_line"];

function parsedVector(bytes) {
  const end = bytes.indexOf("\n\n");
  const fields = bytes.subarray(0, end).toString("latin1").split("\n").map((line) => line.split(": "));
  const all = (name) => fields.filter(([key]) => key === name).map(([, value]) => value);
  const file = bytes.subarray(end + 2);
  return { all, file: all("compressed")[0] === "zlib" ? inflateSync(file) : file };
}

// Replaces the payload by one whose plaintext is the content key, as the file key seals it.
function withPayload(file, fileKey, contentKey) {
  const mac = file.indexOf("\n---");
  const end = mac < 0 ? -1 : file.indexOf("\n", mac + 1);
  if (end < 0 || !fileKey) return file;
  const nonce = Buffer.alloc(16, 7);
  const payloadKey = Buffer.from(hkdfSync("sha256", fileKey, nonce, "payload", 32));
  const last = Buffer.from("000000000000000000000001", "hex");
  const cipher = createCipheriv("chacha20-poly1305", payloadKey, last, { authTagLength: 16 });
  const sealed = [cipher.update(contentKey), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([file.subarray(0, end + 1), nonce, ...sealed]);
}

async function ageVectors() {
  const both = ["one", "two"].map((name) => sv2Text("keygen", "--identity", "--pq", "-o", name));
  sv2Text("encrypt", "-r", both[0], "-r", both[1], "data", "-o", "base.sv2");
  const base = readFileSync("base.sv2");
  const contentKey = await npmDecrypt(ageFileOf(base), identityIn("one"));
  let used = 0;
  for (const [name, bytes] of Object.entries(vectors)) {
    const vector = parsedVector(Buffer.from(bytes));
    const [expect] = vector.all("expect");
    // Stanzas are binary, and the payload is replaced.
    if (vector.all("armored").length > 0 || name.endsWith("_nonce")) continue;
    const scrypt = vector.all("passphrase").length > 0;
    const identities = vector.all("identity");
    if (scrypt || identities.length === 0) identities.push(identityIn("one"));
    writeFileSync("identity", identities.join("\n") + "\n");
    const fileKey = Buffer.from(vector.all("file key")[0] ?? "", "hex");
    const file = withPayload(vector.file, fileKey.length === 16 ? fileKey : null, contentKey);
    writeFileSync("vector.sv2", withAgeFile(base, file));
    const opens = LENIENT.includes(name) || ["success", "payload failure"].includes(expect);
    // Passwords of age are refused before anything is parsed.
    const opened = opens && !scrypt;
    const code = sv2Code("verify", "-i", "identity", "vector.sv2");
    check(`vector ${name}: exit code ${code}, and age expects: ${expect}`, code === (opened ? 0 : 4));
    used += 1;
  }
  check("vectors are found", used > 90);
  return used;
}

try {
  await bothWays();
  const used = await ageVectors();
  console.log(`${checks} checks, ${used} of them vectors of age; ${failures.length} failed`);
  failures.forEach((failure) => console.log(`FAILED: ${failure}`));
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = failures.length > 0 ? 1 : 0;
