#!/usr/bin/env bash
# Makes a folder a Python environment with the programs that read data sets (tools/dataset-readers/requirements.txt), for the tests of
# exports. Does nothing when it is that already.
set -eu
folder=${1:?usage: dataset-readers.sh FOLDER}
requirements=$(dirname "$0")/dataset-readers/requirements.txt

cmp --silent "$requirements" "$folder/requirements.txt" && exit
echo "installing what reads data sets into $folder"
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
# Last: that it is there says that all is.
cp "$requirements" "$folder/requirements.txt"
