from finance.cli.main import main

main()
