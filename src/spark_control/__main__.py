"""`python -m spark_control`, and the program `spark-control`."""

from spark_control.cli.main import main

if __name__ == "__main__":
    main()
