#!/usr/bin/env python3
"""Takes the table of publications through LibreOffice and back in.

    tests/csv_in_libreoffice.py --binary target/release/sogep

Exports the sample publications and some whose titles are formulas; LibreOffice, without a window, converts
the table to a workbook, in which Turkish letters must be right and no cell may be a formula, and to a table
again, which must change nothing when it is imported. Exit code 1: something does not hold; 2: there is no
LibreOffice. Needs Python 3.11. Leaves nothing.
"""

import csv, json, pathlib, re, shutil, subprocess, sys, zipfile

sys.dont_write_bytecode = True
from bulk_import import must, script, write_lines

# Comma, quotation mark, UTF-8, from the first line; quoted cells are texts.
FILTER = "44,34,76,1,,0,true"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("https://evil.example";"tıkla")', "'=1+1", "=cmd|' /C calc'!A0"]


def convert(office, source, kind, directory):
    command = [office, "--headless", f"-env:UserInstallation=file://{directory}/profile", f"--infilter=CSV:{FILTER}",
               "--convert-to", kind, "--outdir", str(directory / "out"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    made = directory / "out" / f"{source.stem}.{kind.split(':')[0]}"
    must(done.returncode == 0 and made.exists(), f"LibreOffice: {done.stdout} {done.stderr}")
    return made


def run(_, service, database):
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        print("there is no LibreOffice here: apt-get install libreoffice-calc", file=sys.stderr)
        sys.exit(2)
    directory = pathlib.Path(service.directory)

    def command(*arguments):
        done = subprocess.run([service.binary, *arguments], env=service.environment, cwd=directory, capture_output=True, text=True, timeout=120)
        must(done.returncode == 0, f"sogep {' '.join(arguments)}: {done.stdout} {done.stderr}")
        return done.stdout

    command("seed", "--demo")
    lines = [{"slug": f"formul-{number}", "state": "draft", "number": "007", "series": "İstanbul, ılıman; ğüşöç",
              "translations": {"tr": {"title": text, "summary": f"{text}\n=2+2", "subtitle": "TRUE"}}} for number, text in enumerate(FORMULAS)]
    command("import", str(write_lines(directory / "publications.ndjson", lines)))
    command("export", str(directory / "tables"), "--format", "csv", "--collection", "publications")
    table = directory / "tables" / "publications.csv"
    rows = list(csv.DictReader(open(table, encoding="utf-8-sig", newline="")))

    book = convert(office, table, "xlsx", directory)
    with zipfile.ZipFile(book) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        strings = parts.read("xl/sharedStrings.xml").decode()
    must("<f" not in re.sub(r"<f[a-z]", "", sheet), "the workbook has a formula")
    texts = strings.replace("&apos;", "'").replace("&quot;", '"').replace("&amp;", "&")
    for text in ["İstanbul, ılıman; ğüşöç"] + [row["title_tr"] for row in rows]:
        must(text in texts, f"the workbook does not have {text!r}")
    print(f"workbook: {len(rows)} rows, no formula, the letters are right")

    again = convert(office, table, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false", directory)
    back = directory / "publications.csv"
    shutil.copy(again, back)
    report = json.loads(command("import", "--json", str(back)).splitlines()[0])
    must(report["unchanged"] == len(rows) and report["updated"] == report["created"] == report["failed"] == 0, f"back from LibreOffice: {report}")
    print(f"back in: {report['unchanged']} unchanged")


if __name__ == "__main__":
    script(__doc__, "--unused", 0, "nothing", run)
