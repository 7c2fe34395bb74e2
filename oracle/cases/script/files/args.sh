#!/bin/sh
pwd
printf '%s|' "$@"
